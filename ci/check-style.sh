#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ci/check-style.sh: the rules of the house that a machine can check in the text of the sources.
# Tools that are not installed (clang-format: ci/setup --with-tools) are named and left out.
set -euo pipefail
# shellcheck source=ci/lib.sh
source "$(dirname "$0")/lib.sh"

mapfile -t sources < <(project_files '*.c' '*.h')
mapfile -t scripts < <(project_files 'ci/*' '.ci/*' | grep -v -E '\.(py|md|txt|json|ya?ml)$' |
  while IFS= read -r f; do if head -n 1 "$f" | grep -q -E '^#!.*\b(ba)?sh\b'; then echo "$f"; fi; done)
mapfile -t cmake_files < <(project_files '*.cmake' '*CMakeLists.txt')
mapfile -t texts < <(project_files '*.c' '*.h' '*.def' '*.cmake' '*CMakeLists.txt' '*.md' '*.json' 'ci/*' '.ci/*')

# grep over a list of files, silent when nothing matches: any line found is a problem.
found() {
  local pattern=$1
  shift
  if (($#)); then grep -nE -- "$pattern" "$@" /dev/null || true; fi
}

# One licence line instead of a licence block, in the first two lines of a file.
complain < <(awk '/SPDX-License-Identifier: Apache-2.0/ { has[FILENAME] = 1 } FNR > 1 { nextfile }
  END { for (i = 1; i < ARGC; i++) if (!has[ARGV[i]]) print ARGV[i] ": no SPDX line at its head" }' \
  "${sources[@]}" "${cmake_files[@]}" "${scripts[@]}")

complain < <(found '[[:blank:]]+$' "${texts[@]}" | sed 's/$/ <- blank at the end of the line/')
complain < <(found $'\t' "${sources[@]}" | sed 's/$/ <- tab/')
# "# TODO" in a string of C is the directive of TAP.
complain < <(found '\b(TODO|FIXME|XXX|HACK)\b' "${sources[@]}" "${cmake_files[@]}" | grep -v '\.c:[0-9]*:.*".*# TODO' | sed 's/$/ <- file an issue instead/')
# The last bytes of all files first: one that is no newline is looked for only where there is one.
if tail -qc 1 -- "${texts[@]}" | LC_ALL=C grep -q .; then
  for file in "${texts[@]}"; do
    [[ ! -s $file || -z $(tail -c 1 "$file") ]] || complain "$file: no newline at its end"
  done
fi

# Includes are written from the root of the project.
complain < <(found '^ *# *include +"[^/"]+"' "${sources[@]}" | sed 's/$/ <- include by path from the root/')

# Dependencies point down: the library knows no program, no program knows another.
below() {
  local folder=$1 others=$2
  complain < <(printf '%s\n' "${sources[@]}" | grep "^$folder/" |
    xargs -r grep -nE "^ *# *include +\"($others)/" | sed "s|\$| <- $folder/ must not depend on this|")
}
below lib 'reference-server|harness|inspector|tests'
below reference-server 'harness|inspector|tests'
below harness 'reference-server|inspector|tests'
below inspector 'reference-server|harness|tests'

# Nothing generated is kept in git.
complain < <(project_files '*.pb-c.[ch]' '*.binpb' | grep -v -E '^(tests|fuzz)/' | sed 's/$/: generated, belongs into the build tree/')

skipped=()
# The house formats with clang-format 14; other versions break lines elsewhere.
if ! command -v clang-format >/dev/null; then
  skipped+=(clang-format)
elif ! clang-format --version | grep -q 'version 14\.'; then
  skipped+=("clang-format (this is not version 14)")
else
  complain < <(printf '%s\0' "${sources[@]}" | xargs -0 -r clang-format --dry-run -Werror 2>&1 | grep 'error:' |
    cut -d: -f1 | sort | uniq -c | awk '{print $2 ": " $1 " places to format: clang-format -i " $2}')
fi
if command -v shellcheck >/dev/null; then
  complain < <(shellcheck -x -P ci -f gcc "${scripts[@]}" 2>&1 || true)
else
  skipped+=(shellcheck)
fi

left_out=''
if ((${#skipped[@]})); then left_out="; left out: $(printf '%s, ' "${skipped[@]}" | sed 's/, $//')"; fi
conclude "${#sources[@]} sources, ${#scripts[@]} scripts$left_out"
