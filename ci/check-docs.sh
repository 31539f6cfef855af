#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ci/check-docs.sh: what the pages say is there, is there.
#   - every relative link leads to a file, and to a heading where it names one
#   - every path in backquotes that starts in a folder of the project exists (* matches; NAME and its like stand for any)
#   - every page under docs/ can be reached from README.md
#   - no path of somebody's machine, in any file
set -euo pipefail
# shellcheck source=ci/lib.sh
source "$(dirname "$0")/lib.sh"

mapfile -t pages < <(project_files '*.md')

# The anchors of a page's headings, as code hosts make them: lower case, blanks to hyphens, punctuation gone.
anchors_of() {
  sed -n -E 's/^#{1,6} +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# The page's text without its code blocks.
prose_of() {
  awk '/^ *```/ {code = !code; next} !code' "$1"
}

# Links that leave the page: "target" or "target#anchor".
links_of() {
  prose_of "$1" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//' | grep -v -E '^(https?|mailto):' || true
}

check_link() {
  local page=$1 link=$2 target anchor
  target=${link%%#*}
  anchor=''
  if [[ $link == *#* ]]; then anchor=${link#*#}; fi
  if [[ -z $target ]]; then target=$page; else target=$(realpath -m --relative-to=. "$(dirname "$page")/$target"); fi
  if [[ ! -e $target ]]; then
    complain "$page: link to $link, which is not there"
  elif [[ -n $anchor && $target == *.md ]] && ! anchors_of "$target" | grep -qxF -- "$anchor"; then
    complain "$page: link to $link, which has no such heading"
  fi
}

folders=$(project_files '*/*' | cut -d/ -f1 | sort -u | paste -sd '|')
for page in "${pages[@]}"; do
  while IFS= read -r link; do check_link "$page" "$link"; done < <(links_of "$page")
  while IFS= read -r path; do
    compgen -G "$path" >/dev/null || complain "$page: names \`$path\`, which is not there"
  done < <(prose_of "$page" | grep -oE "\`($folders)/[A-Za-z0-9_./*-]*\`" | tr -d '\`' |
    grep -v -E '\b(COMPONENT|MODULE|NAME|TARGET)\b' | sort -u)
done

for page in "${pages[@]}"; do
  case $page in
    docs/*)
      name=$(basename "$page")
      grep -sqF "$name" README.md docs/ARCHITECTURE.md || complain "$page: no link to it from README.md or docs/ARCHITECTURE.md"
      ;;
  esac
done

# Where somebody builds is nobody's business: home folders, and the folder of this very tree.
tree=$(pwd -P)
mapfile -t texts < <(project_files | grep -v -E '\.(pcap|pcapng|bin|binpb|gz|zst|png|der)$|^fuzz/corpus/')
if ((${#texts[@]})); then
  complain < <(grep -nIE '/(home|Users)/[a-z]+/|/root/' "${texts[@]}" | grep -v '^ci/check-docs.sh:' | cut -c 1-160 || true)
  if ((${#tree} > 5)); then complain < <(grep -nIF -- "$tree" "${texts[@]}" | cut -c 1-160 || true); fi
fi

conclude "${#pages[@]} pages"
