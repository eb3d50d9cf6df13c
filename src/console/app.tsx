/** The page as a whole: its head, the link to the conductor, and the part that the address names. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { spanWords } from '../cli/shared/words.ts';
import { VERSION } from '../core/version.ts';
import { type House, HouseContext, type Question, useHouse, useLink, useNow } from './context.ts';
import { keep, kept } from './credentials.ts';
import { Asking } from './parts/asking.tsx';
import { Said } from './parts/said.tsx';
import { addressOf, PAGES, type Page, type Place, placeOf } from './place.ts';
import { Audits } from './views/audits.tsx';
import { Conductors } from './views/conductors.tsx';
import { Events } from './views/events.tsx';
import { Node } from './views/node.tsx';
import { Nodes } from './views/nodes.tsx';
import { Plan } from './views/plan.tsx';
import { Plans } from './views/plans.tsx';
import { SignIn } from './views/sign_in.tsx';

/** What was told last. */
interface Told {
  readonly sentence: string;
  readonly isBad: boolean;
  readonly times: number;
}

/** What an app is made with. */
type AppProps = Pick<House, 'conductor' | 'link'>;

/** The page. */
export function App({ conductor, link }: AppProps) {
  const [asking, setAsking] = useState<{ question: Question; answer: (reason: string | null) => void } | null>(null);
  const [told, setTold] = useState<Told>({ sentence: '', isBad: false, times: 0 });
  const house = useMemo<House>(
    () => ({
      conductor,
      link,
      ask: (question) =>
        new Promise((resolve) => {
          setAsking({
            question,
            answer(reason) {
              setAsking(null);
              resolve(reason);
            },
          });
        }),
      tell(sentence, isBad = false) {
        if (sentence !== '') setTold(({ times }) => ({ sentence, isBad, times: times + 1 }));
      },
    }),
    [conductor, link],
  );
  useRunning(house);
  const { page, one } = usePlace();
  // What was told was about the place that was left.
  useEffect(() => setTold({ sentence: '', isBad: false, times: 0 }), [page, one]);
  return (
    <HouseContext.Provider value={house}>
      <Head />
      <Connection />
      <p class={`told ${told.isBad ? 'bad' : ''}`} role="status">
        <Said text={told.sentence} />
      </p>
      <Main />
      {asking !== null && <Asking question={asking.question} answer={asking.answer} />}
    </HouseContext.Provider>
  );
}

/** The link runs while the page is seen: a browser has six connections to an origin, and other tabs need theirs. */
function useRunning({ link }: House): void {
  useEffect(() => {
    const follow = (): void => (document.visibilityState === 'visible' ? link.run() : link.pause());
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => document.removeEventListener('visibilitychange', follow);
  }, [link]);
}

function usePlace(): Place {
  const [place, setPlace] = useState(placeOf(location.hash));
  useEffect(() => {
    const follow = (): void => setPlace(placeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return place;
}

function Head() {
  const { link } = useHouse();
  const { page } = usePlace();
  useLink();
  return (
    <header>
      <button type="button" class="skip" onClick={() => document.querySelector('h1')?.focus()}>
        Skip to the page
      </button>
      <span class="title">Countermand</span>
      <nav aria-label="Pages">
        {Object.entries(PAGES).map(([name, words]) => (
          <a key={name} href={addressOf(name as Page)} aria-current={name === page ? 'page' : undefined}>
            {words}
          </a>
        ))}
      </nav>
      {kept() !== null && (
        <button
          type="button"
          onClick={() => {
            keep(null);
            link.pause();
            link.run();
          }}
        >
          Sign out
        </button>
      )}
    </header>
  );
}

/** Says that the conductor is away; what the page shows is then what it was. */
function Connection() {
  const { state, sinceMs, sentence, answer } = useLink();
  const nowMs = useNow();
  const isOlder = answer !== null && answer.version !== VERSION;
  return (
    <div class="connection" aria-live="assertive">
      {state === 'disconnected' && (
        <p class="notice bad">
          <strong>Disconnected</strong> for <span aria-hidden="true">{spanWords(nowMs - sinceMs)}</span>:{' '}
          <Said text={sentence} />. What you see is what was last told. The page goes on by itself; if another conductor
          leads now, <a href="/console">open its console</a>.
        </p>
      )}
      {isOlder && (
        <p class="notice warn">
          The conductor is now version {answer.version}, and this page is of {VERSION}: load it again.
        </p>
      )}
    </div>
  );
}

function Main() {
  const { link } = useHouse();
  const { state, sentence } = useLink();
  const { page, one } = usePlace();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const isSignedOut = state === 'signed out';
  // A screen reader goes on at the title of the new page.
  useEffect(() => {
    if (!isFirst.current) main.current?.querySelector('h1')?.focus();
    isFirst.current = false;
    document.title = `${one ?? PAGES[page]} – Countermand`;
  }, [page, one]);
  return (
    <main id="main" ref={main}>
      {isSignedOut ? (
        <SignIn sentence={sentence} done={() => link.run()} />
      ) : (
        <View key={`${page} ${one}`} page={page} one={one} />
      )}
    </main>
  );
}

function View({ page, one }: Place) {
  if (page === 'nodes') return one === null ? <Nodes /> : <Node name={one} />;
  if (page === 'plans') return one === null ? <Plans /> : <Plan uuid={one} />;
  if (page === 'audits') return <Audits />;
  return page === 'events' ? <Events /> : <Conductors />;
}
