/** How VitePress builds the site. `build.ts` copies this to build/site-work, where the generator and the pages are. */
import { readFileSync } from 'node:fs';
import { anchorOf } from './anchors.ts';

export default {
  title: 'Countermand',
  description: 'The bare-metal conductor whose orders can be taken back.',
  lang: 'en',
  base: process.env.SITE_BASE ?? '/',
  srcDir: 'pages',
  outDir: '../site',
  lastUpdated: false,
  ignoreDeadLinks: false,
  markdown: { anchor: { slugify: anchorOf }, lineNumbers: false },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    sidebar: JSON.parse(readFileSync('sidebar.json', 'utf8')),
    nav: [
      { text: 'First ten minutes', link: '/docs/first_ten_minutes' },
      { text: 'Command line', link: '/docs/cli' },
      { text: 'Operations', link: '/docs/operations/' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    footer: { message: 'Apache License 2.0' },
  },
};
