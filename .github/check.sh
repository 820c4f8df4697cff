# The step of action.yml that checks: every dataset, also after one that is rejected.
# Also in the bash 3.2 of macOS, where an empty array counts as unset.
# Environment: COMMANDS (folder of the command), DATASETS and OPTIONS (a line each), FAIL_ON.
set -euo pipefail
shopt -s nullglob

told="$(mktemp)"
worst=0

escaped() { # what the format of commands to the runner reserves: a name may hold any of it
  local text="${1//'%'/%25}"
  text="${text//$'\r'/}"
  printf '%s\n' "${text//$'\n'/%0A}"
}

annotate() { printf '::error title=tunedrop check::%s\n' "$(escaped "$1")"; }

worse() { if [ "$1" -gt "$worst" ]; then worst="$1"; fi; }

check() {
  local code=0 said
  printf '::group::%s\n' "$(escaped "$1")"
  said="$("$COMMANDS/tunedrop" check ${options[@]+"${options[@]}"} --github -- "$1" 2>"$told")" || code=$?
  printf '%s\n' "$said"
  sed 's/::/: :/g' "$told" >&2 # so that no line of it is a command
  echo "::endgroup::"
  if [ "$code" -gt 0 ] && [ -s "$told" ]; then annotate "$1: $(cat "$told")"; fi
  if [ "$code" -gt 2 ]; then code=2; fi
  if [ "$code" = 0 ] && [ "$FAIL_ON" = warning ] && [[ "$said" == *"::warning "* ]]; then code=1; fi
  worse "$code"
}

case "$FAIL_ON" in
  error | warning) ;;
  *) annotate "fail-on is '$FAIL_ON': give error or warning."; worse 2 ;;
esac

options=()
while IFS= read -r line; do
  line="${line%$'\r'}"
  if [ -n "$line" ]; then options+=("$line"); fi
done <<<"$OPTIONS"

checked=0
while IFS= read -r line; do
  line="${line%$'\r'}"
  line="${line#"${line%%[![:space:]]*}"}"
  line="${line%"${line##*[![:space:]]}"}"
  if [ -z "$line" ]; then continue; fi
  IFS= # a blank in a name divides nothing
  found=($line)
  unset IFS
  if [ ! -e "$line" ] && [ "${#found[@]}" = 0 ]; then
    annotate "$line matches nothing: name a folder, a training set or a pattern."
    worse 2
    continue
  fi
  if [ -e "$line" ]; then found=("$line"); fi
  for dataset in "${found[@]}"; do
    check "$dataset"
    checked=$((checked + 1))
  done
done <<<"$DATASETS"

if [ "$checked" = 0 ] && [ "$worst" = 0 ]; then
  annotate "there is nothing to check: name folders or training sets in datasets."
  worst=2
fi

case "$worst" in
  0) verdict=accepted ;;
  1) verdict=rejected ;;
  *) verdict="not checked" ;;
esac
rm -f "$told"
echo "verdict=$verdict" >>"$GITHUB_OUTPUT"
echo "tunedrop check: $verdict ($checked checked)" >>"$GITHUB_STEP_SUMMARY"
exit "$worst"
