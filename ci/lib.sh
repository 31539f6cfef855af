# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the check scripts share. Sourced by ci/check-NAME.sh; leaves the shell in the project's root.
check=${0##*/check-}
check=${check%.sh}
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

# Prints the files of the project that match the given git pathspecs, one a line: those in git, and new ones.
# Outside a clone (an unpacked archive), everything but the build tree.
project_files() {
  if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
    git -c safe.directory='*' -c core.quotepath=off ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
      while IFS= read -r file; do if [[ -f $file ]]; then echo "$file"; fi; done
  else
    find . -path ./build -prune -o -type f -print | sed 's|^\./||' | sort |
      grep -E "$(printf '%s\n' "${@:-*}" | sed -E 's/[.]/\\./g; s/\*/.*/g; s/^/^/; s/$/$/' | paste -sd '|')" || true
  fi
}

failures=0
# Reports what is wrong with a line of text, or with every line of standard input.
complain() {
  if (($#)); then
    echo "$check: $*" >&2
    failures=$((failures + 1))
    return
  fi
  local line
  while IFS= read -r line; do complain "$line"; done
}

# The end of a check: says how it went, and is its exit status.
conclude() {
  if ((failures)); then
    echo "$check: $failures problems" >&2
    exit 1
  fi
  echo "$check: $*"
}
