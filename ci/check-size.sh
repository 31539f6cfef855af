#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ci/check-size.sh: no file and no function grows past what one reader can hold.
#
#   .c file 600 lines, test file 500, header 250; function 100 lines, cyclomatic complexity 25; folder 25
#   modules (a .c file and its header are one)
#
# ci/size-allowed.txt names the exceptions with the size each one may have ("PATH SIZE", "PATH:FUNCTION LINES",
# "PATH:FUNCTION() COMPLEXITY", "FOLDER/ MODULES"). It may only shrink: an entry that is no longer needed is a problem.
set -euo pipefail
# shellcheck source=ci/lib.sh
source "$(dirname "$0")/lib.sh"

declare -A allowed=() used=()
while read -r name size; do allowed[$name]=$size; done < <(sed 's/#.*//' ci/size-allowed.txt | grep -E '[^[:space:]]' || true)

# judge NAME SIZE LIMIT WHAT
judge() {
  local name=$1 size=$2 limit=$3 what=$4
  if ((size <= limit)); then return; fi
  used[$name]=yes
  if [[ -n ${allowed[$name]:-} ]]; then limit=${allowed[$name]}; fi
  if ((size > limit)); then complain "$name: $size $what, at most $limit"; fi
}

mapfile -t sources < <(project_files '*.c' '*.h')
while read -r lines file; do
  case $file in
    total) ;;
    *.h) judge "$file" "$lines" 250 lines ;;
    tests/*) judge "$file" "$lines" 500 lines ;;
    *) judge "$file" "$lines" 600 lines ;;
  esac
done < <(wc -l "${sources[@]}")

while read -r modules folder; do
  judge "$folder/" "$modules" 25 modules
done < <(printf '%s\n' "${sources[@]}" | sed 's/\.[ch]$//' | sort -u | sed 's|/[^/]*$||' | uniq -c)

functions='functions not measured (no pmccabe: ci/setup installs it)'
if command -v pmccabe >/dev/null; then
  count=0
  # columns: complexity with a switch as one, complexity, statements, first line, lines, file(line): name
  while read -r complexity _ _ _ lines place name; do
    place=${place%%(*}
    judge "$place:$name" "$lines" 100 'lines'
    judge "$place:$name()" "$complexity" 25 'is the complexity'
    count=$((count + 1))
  done < <(printf '%s\0' "${sources[@]}" | grep -z '\.c$' | xargs -0 -r pmccabe)
  functions="$count functions"
  for name in "${!allowed[@]}"; do
    [[ -n ${used[$name]:-} ]] || complain "ci/size-allowed.txt: $name is within the limit now, take it out"
  done
fi
conclude "${#sources[@]} files, $functions"
