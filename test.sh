#!/usr/bin/env bash
# Passes the tests on a fresh machine: installs what is missing, starts private servers, runs every test project,
# stops the servers, and ends with one line "N passed, N failed".
# RABBITARQ_TEST_AMQP_URL=amqp://… tests against a broker of yours instead (on machines that are not Debian).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off

if [ "${1:-}" = "--inside" ]; then
  passed=0 failed=0 skipped=0
  logs=$(mktemp -d)
  for project in tests/*.Tests/*.csproj; do
    name=$(basename "$project" .csproj)
    binary="tests/$name/bin/Release/net10.0/$name"
    [ -x "$binary" ] || { echo "$name was not built" >&2; failed=$((failed + 1)); continue; }
    echo "== $name"
    # A suite that hangs is a failure with a name, not a stuck machine.
    timeout --kill-after=30 "${RABBITARQ_TEST_SECONDS:-600}" "$binary" -noColor -longRunning 60 > "$logs/$name.log" 2>&1
    code=$?
    line=$(grep -E 'Total: *[0-9]+, *Errors: *[0-9]+, *Failed: *[0-9]+' "$logs/$name.log" | tail -n 1)
    if [ -z "$line" ]; then
      tail -n 60 "$logs/$name.log"
      echo "$name ended with code $code and no summary"
      failed=$((failed + 1))
      continue
    fi
    count() { sed -E "s/.*$1: *([0-9]+).*/\1/" <<< "$line"; }
    bad=$(( $(count Failed) + $(count Errors) ))
    skip=$(count Skipped)
    [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + $(count Total) - $(count Failed) - skip))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
    [ "$bad" -eq 0 ] || cat "$logs/$name.log"
    grep -E '\[SKIP\]' -A1 "$logs/$name.log"
    echo "$line"
  done
  rm -rf "$logs"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
fi

command -v dotnet > /dev/null || { echo "Install the .NET 10 SDK first: https://dot.net"; exit 2; }
dotnet build RabbitArq.slnx -c Release || { echo "0 passed, 1 failed"; exit 1; }
if [ -n "${RABBITARQ_TEST_AMQP_URL:-}" ]; then
  exec ./test.sh --inside
fi
eng/servers.sh install || { echo "0 passed, 1 failed"; exit 1; }
exec eng/servers.sh run -- ./test.sh --inside
