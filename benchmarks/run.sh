#!/usr/bin/env bash
# Builds and runs the benchmarks: see --help. Without --amqp or --embedded it starts a RabbitMQ 4.3 of its own for
# the time of the run. The build and the server write to standard error, the figures go to standard output.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$here/RabbitArq.Benchmarks

dotnet build "$project" --configuration Release --verbosity quiet --nologo -p:WarningLevel=0 >&2 \
  || { echo 'run.sh: the build failed (see above)' >&2; exit 1; }
program=("dotnet" "$project/bin/Release/net10.0/RabbitArq.Benchmarks.dll")

own_server=1
for argument in "$@"; do
  case $argument in
    --amqp | --embedded | --help | -h | help) own_server=0 ;;
  esac
done
if (($# == 0)) || [[ $1 != enqueue && $1 != drain && $1 != latency ]]; then own_server=0; fi

if ((own_server)); then
  # The program finds the server by the environment that the script exports.
  exec "$here/../eng/servers.sh" run 43 -- "${program[@]}" "$@"
fi
exec "${program[@]}" "$@"
