/** The completion of each shell: it asks `countermand __complete` what can stand next, so it is never out of date. */

/** A line for each candidate: the word, a tab, its meaning. `:files` stands for the names of files. */
const BASH = `# bash completion for countermand; load it with: source <(countermand completion bash)
_countermand() {
  # Bash splits words at colons and equal signs; here they are put together again.
  local words=() word joined= index
  for ((index = 1; index <= COMP_CWORD; index += 1)); do
    word=\${COMP_WORDS[index]}
    if [[ $joined || ( $word == [:=] && \${#words[@]} -gt 0 ) ]] && [[ $word ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    joined=
    [[ $word == [:=] ]] && joined=yes
  done
  local last=\${words[-1]} cut= quoted=
  [[ \${COMP_WORDS[COMP_CWORD]} == [:=] ]] && COMP_WORDS[COMP_CWORD]=
  cut=\${last%"\${COMP_WORDS[COMP_CWORD]}"}
  [[ $last == [\\'\\"]* ]] && quoted=yes
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    if [[ $word == :files ]]; then
      compopt -o default
      continue
    fi
    word=\${word#"$cut"}
    [[ $quoted ]] || printf -v word %q "$word"
    COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null)
}
complete -F _countermand countermand
`;

const ZSH = `#compdef countermand
# zsh completion for countermand; load it with: source <(countermand completion zsh)
_countermand() {
  local line word
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    if [[ $word == :files ]]; then
      _files
    elif [[ -n $word ]]; then
      candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  _describe countermand candidates
}
if [[ $funcstack[1] == _countermand ]]; then
  _countermand "$@"
else
  compdef _countermand countermand
fi
`;

const FISH = `# fish completion for countermand; load it with: countermand completion fish | source
function __countermand_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        if string match -q ':files*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c countermand -f -a '(__countermand_complete)'
`;

/** The scripts by their shells. */
export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

/** A shell that has one. */
export type Shell = keyof typeof SCRIPTS;

/** The names of the shells. */
export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];
