# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for bash. The programs tell their own subcommands and options: PROGRAM [COMMAND] --help=words.

_sluice() {
  local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local commands command=() table words
  COMPREPLY=()
  commands=$("$program" --help=words 2>/dev/null | cut -f1 | grep -v '^-')
  if ((COMP_CWORD > 1)) && grep -qxF -e "${COMP_WORDS[1]}" <<<"$commands"; then command=("${COMP_WORDS[1]}"); fi
  table=$("$program" ${command[@]+"${command[@]}"} --help=words 2>/dev/null)
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(cut -f1 <<<"$table" | grep '^-')" -- "$current")
    return
  fi
  words=''
  if [[ $before == --* ]] && awk -F '\t' -v name="$before" '$1 == name && $2 != "" {found = 1} END {exit !found}' <<<"$table"; then
    # the value of an option: one of those that its table names, such as text|json, else a file
    words=$(awk -F '\t' -v name="$before" '$1 == name && $2 ~ /^[a-z0-9]+([|][a-z0-9]+)+$/ {gsub(/[|]/, " ", $2); print $2}' <<<"$table")
  elif ((COMP_CWORD == 1)); then
    words=$commands
  else
    case ${program##*/}:${command[0]:-} in
      sluice-harness:run | sluice-harness:list | sluice-harness:explain) words=$("$program" list 2>/dev/null | awk '{print $1}') ;;
    esac
  fi
  if [[ -n $words ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"); fi
}
complete -o default -F _sluice sluice-server sluice-harness sluice-inspector
