#compdef sluice-server sluice-harness sluice-inspector
# SPDX-License-Identifier: Apache-2.0
# Completion for zsh. The programs tell their own subcommands and options: PROGRAM [COMMAND] --help=words.

local program=$words[1] line rest
local -a command commands options scenarios

_call_program words $program --help=words 2>/dev/null | while IFS= read -r line; do
  rest=${line#*$'\t'}
  if [[ $line != -* ]]; then commands+=("${line%%$'\t'*}:${rest#*$'\t'}"); fi
done
if (( CURRENT > 2 )) && (( ${commands[(I)$words[2]:*]} )); then command=($words[2]); fi
if [[ $PREFIX == -* ]]; then
  _call_program words $program $command --help=words 2>/dev/null | while IFS= read -r line; do
    rest=${line#*$'\t'}
    if [[ $line == -* ]]; then options+=("${line%%$'\t'*}:${rest#*$'\t'}"); fi
  done
  _describe -o option options
elif (( CURRENT == 2 )) && (( $#commands )); then
  _describe command commands
  _files
elif [[ ${program:t} == sluice-harness && $command == (run|list|explain) ]]; then
  scenarios=(${${(f)"$(_call_program scenarios $program list 2>/dev/null)"}%% *})
  compadd -a scenarios
  _files
else
  _files
fi
