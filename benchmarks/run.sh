#!/usr/bin/env bash
# Builds and runs the benchmarks: see --help. Without --amqp or --embedded it starts a RabbitMQ 4.3 of its own for
# the time of the run. The figures go to standard output, everything else to standard error.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$here/RabbitArq.Benchmarks

if ! build=$(dotnet build "$project" --configuration Release --verbosity quiet --nologo 2>&1); then
  printf '%s\n' "$build" 'run.sh: the build failed (see above)' >&2
  exit 1
fi
program=(dotnet "$project/bin/Release/net10.0/RabbitArq.Benchmarks.dll")

code=0
"${program[@]}" "$@" || code=$?
if ((code != 75)); then exit "$code"; fi

# The command line is fine, but names no broker: the program finds this one by the environment that the script exports.
exec "$here/../eng/servers.sh" run 43 -- "${program[@]}" "$@"
