# SPDX-License-Identifier: Apache-2.0
# Completion for fish. The programs tell their own subcommands and options: PROGRAM [COMMAND] --help=words.

function __sluice_words
    set -l words (commandline -opc)
    set -l command
    if test (count $words) -gt 1; and string match -q -r '^[a-z]+$' -- $words[2]
        set command $words[2]
    end
    if test -z "$command"; or not $words[1] $command --help=words 2>/dev/null
        $words[1] --help=words 2>/dev/null
    end | string replace -r '^([^\t]*)\t[^\t]*\t' '$1\t'
    if test "$command" = run -o "$command" = list -o "$command" = explain
        $words[1] list 2>/dev/null | string replace -r '^(\S+)\s+' '$1\t'
    end
end

for program in sluice-server sluice-harness sluice-inspector
    complete -c $program -a '(__sluice_words)'
end
