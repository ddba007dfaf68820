#!/usr/bin/env bash
# Installs and runs the servers that the tests and the samples need.
#
#   eng/servers.sh install                        install what is missing (Debian, root)
#   eng/servers.sh start  [--dir DIR] [SERVER...] start the servers privately on 127.0.0.1; the last line
#                                                 printed is DIR; DIR/env holds their addresses
#   eng/servers.sh status --dir DIR [SERVER...]   one line for each server; exit 1 when one is down
#   eng/servers.sh stop   --dir DIR [--rm] [SERVER...]
#                                                 stop them (all: the private epmd too); --rm deletes DIR
#   eng/servers.sh run [--dir DIR] [SERVER...] -- COMMAND...
#                                                 start, run COMMAND with DIR/env exported, stop, and exit with
#                                                 the code of COMMAND; DIR is kept only when it was named
#
# SERVER is 310 (RabbitMQ 3.10) or 43 (RabbitMQ 4.x); none named: all of them.
#
# In DIR: env (to be sourced; there while any of them runs), ctl310 and ctl43 (rabbitmqctl for that node, from any folder), 310.pid and 43.pid
# (the process of the Erlang machine, there while it runs), epmd.pid, and one folder per server with its data,
# its configuration and its log/. 'start' on a DIR used before starts what is not running, on the same ports with
# the same data: after a kill -9 of one node, 'start --dir DIR 43' is its restart.
#
# Settings from the environment: RABBITARQ_CACHE (where the debootstrap folders are kept; default
# ~/.cache/rabbitarq), RABBITARQ_START_SECONDS (deadline of a start; default 90).
set -euo pipefail

readonly ALL_SERVERS=(310 43)
readonly CACHE=${RABBITARQ_CACHE:-${HOME:-~}/.cache/rabbitarq}
readonly START_SECONDS=${RABBITARQ_START_SECONDS:-90}
readonly TEST_USER=arq
readonly TEST_PASSWORD=s3cr3t-Pa55 # a value that is easily found in a log that should have masked it
readonly RECIPE=2                  # raise it when a debootstrap folder has to be built anew
readonly FOLDER_USER_ID=19672      # of the user rabbitmq in those folders: a number that a machine gives nobody else
SELF=$(readlink -f "${BASH_SOURCE[0]}")
readonly SELF
readonly HERE=${SELF%/*}

say() { printf 'servers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# ---------------------------------------------------------------------------------------------- the servers
# What is particular to a server: where it comes from, and how it is started. A new server (a database, the
# nodes of a cluster) gets its own case here, its install_NAME and its begin_NAME / ready_NAME / env_NAME.

# The Debian release whose package a broker is.
suite_of() {
  case $1 in
    310) echo bookworm ;;
    43) echo forky ;;
    *) die "no server named '$1' (there are: ${ALL_SERVERS[*]})" ;;
  esac
}

# The root folder of a server's programs: / when the machine is of that release, else a debootstrap folder.
root_of() {
  local suite
  suite=$(suite_of "$1")
  if [[ $suite == "$(host_codename)" ]]; then echo /; else echo "$CACHE/$suite-$RECIPE"; fi
}

install_310() { install_broker 310; }
begin_310() { begin_broker 310; }
ready_310() { ready_broker 310; }
env_310() { env_broker 310; }

install_43() { install_broker 43; }
begin_43() { begin_broker 43; }
ready_43() { ready_broker 43; }
env_43() { env_broker 43; }

# ---------------------------------------------------------------------------------------------- installing

os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" /etc/os-release 2>/dev/null; }
host_codename() { os_release VERSION_CODENAME; }

require_debian_root() {
  local why=
  if ! command -v apt-get >/dev/null || [[ $(os_release ID) != debian ]]; then
    why='this machine is not Debian'
  elif ((EUID != 0)); then
    why='this needs root (packages, chroot, private mounts)'
  else
    return 0
  fi
  cat >&2 <<HINT
servers: $why, so the test servers cannot be installed or started here.
servers: Run RabbitMQ yourself (3.10 or later, 4.3 preferred; for example the package rabbitmq-server, or a
servers: container), and set RABBITARQ_TEST_AMQP_URL=amqp://USER:PASSWORD@HOST:PORT/ for the tests.
HINT
  exit 2
}

# retry WHAT COMMAND...: three tries, for mirrors that fail now and then.
retry() {
  local what=$1 try
  shift
  for try in 1 2 3; do
    if "$@"; then return 0; fi
    if ((try == 3)); then break; fi
    say "$what failed (try $try of 3), trying again"
    sleep $((try * 5))
  done
  say "$what failed three times"
  return 1
}

apt() {
  DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qy -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null
}

package_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Packages must not start their services: a policy-rc.d that says no, put back as it was afterwards (the mark tells
# one that an install which was killed has left).
readonly POLICY=/usr/sbin/policy-rc.d POLICY_MARK='# by rabbitarq eng/servers.sh'
write_policy() {
  printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$1$POLICY"
  chmod 755 "$1$POLICY"
}
forbid_service_starts() {
  if [[ -e $POLICY ]] && ! grep -qxF "$POLICY_MARK" "$POLICY"; then
    local code=0
    "$POLICY" rabbitmq-server start >/dev/null 2>&1 || code=$?
    if ((code == 101)); then return 0; fi
    mv "$POLICY" "$POLICY.rabbitarq-saved"
  fi
  write_policy ''
}
restore_service_starts() {
  if [[ -e $POLICY ]] && grep -qxF "$POLICY_MARK" "$POLICY"; then rm -f "$POLICY"; fi
  if [[ -e $POLICY.rabbitarq-saved ]]; then mv "$POLICY.rabbitarq-saved" "$POLICY"; fi
}

apt_updated=0
apt_update() {
  if ((apt_updated)); then return 0; fi
  retry 'apt-get update' apt update
  apt_updated=1
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    if ! package_installed "$package"; then missing+=("$package"); fi
  done
  if ((${#missing[@]} == 0)); then return 0; fi
  say "installing ${missing[*]}"
  forbid_service_starts
  local log=$CACHE/install-packages.log code=0
  {
    # First what an install that was killed has left half done.
    dpkg --configure -a </dev/null && apt_update && retry 'apt-get install' apt install "${missing[@]}"
  } >"$log" 2>&1 || code=$?
  restore_service_starts
  if ((code != 0)); then
    tail -n 30 "$log" >&2
    die "could not install ${missing[*]} (whole log: $log)"
  fi
}

# The Debian mirror of this machine's own apt configuration, whichever file and format that is in. apt tells it
# only when it has the mirror's lists.
mirror() {
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
    | awk -v release="$(host_codename)" '$2 == release && $3 == "main" && !found++ { print $1 }'
}

readonly STAMP=.rabbitarq-complete
folder_complete() { [[ -f $1/$STAMP && $(<"$1/$STAMP") == "recipe $RECIPE" ]]; }

# enter ROOT COMMAND...: COMMAND as root, in ROOT with the machine's /proc and /dev, in a mount namespace of its
# own, so that the mounts end with the process.
enter() {
  local root=$1
  shift
  unshare --mount --propagation private -- "$HERE/servers/enter.sh" "$root" '' root "$@"
}

build_folder() {
  local suite=$1 root=$2 mirror=$3 script=() proxy file
  # Unfinished, or of an older recipe. What an interrupted build mounted has ended with it.
  rm -rf --one-file-system "$root"
  # debootstrap of an older release knows no newer names; the script is the same for all of them.
  if [[ ! -e /usr/share/debootstrap/scripts/$suite ]]; then
    script=(/usr/share/debootstrap/scripts/trixie)
    if [[ ! -e ${script[0]} ]]; then script=(/usr/share/debootstrap/scripts/sid); fi
  fi
  proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
  if [[ -n $proxy ]]; then export http_proxy=${http_proxy:-$proxy}; fi

  retry "debootstrap $suite" debootstrap_anew "$suite" "$root" "$mirror" "${script[@]}"

  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  write_policy "$root"
  printf 'force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n' \
    >"$root/etc/dpkg/dpkg.cfg.d/rabbitarq"
  # How this machine reaches its mirror (proxies, checks); not its hooks, whose programs the folder lacks.
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    if [[ -f $file ]] && grep -qi '^[[:space:]]*Acquire' "$file" && ! grep -qi 'Invoke\|IndexTargets' "$file"; then
      cp "$file" "$root/etc/apt/apt.conf.d/"
    fi
  done
  # The package would give its user the next free number, which on this machine may be somebody else's.
  enter "$root" groupadd --system --gid "$FOLDER_USER_ID" rabbitmq
  enter "$root" useradd --system --uid "$FOLDER_USER_ID" --gid rabbitmq --home-dir /var/lib/rabbitmq --no-create-home \
    --shell /usr/sbin/nologin rabbitmq
  retry "apt-get update in $suite" apt_in "$root" update
  retry "apt-get install in $suite" apt_in "$root" install rabbitmq-server
  apt_in "$root" clean
  rm -rf "$root"/var/lib/apt/lists/*
  # Last of all: a folder without it is one whose building was cut short.
  sync -f "$root"
  echo "recipe $RECIPE" >"$root/$STAMP"
}

debootstrap_anew() {
  local suite=$1 root=$2
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  unshare --mount --propagation private -- \
    debootstrap --variant=minbase "$suite" "$root" "${@:3}" </dev/null
}

apt_in() {
  local root=$1
  shift
  enter "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    apt-get -qy -o Acquire::Retries=3 -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null
}

install_broker() {
  local server=$1 suite root log uri
  suite=$(suite_of "$server")
  root=$(root_of "$server")
  if [[ $root == / ]]; then
    install_packages rabbitmq-server
    return 0
  fi
  if folder_complete "$root"; then return 0; fi
  log=$CACHE/install-$suite.log
  say "building $root (a minute or two; log: $log)"
  uri=$(mirror)
  if [[ -z $uri ]]; then die "apt's configuration names no source of $(host_codename) main"; fi
  # A process of its own, because 'set -e' does not work in a function whose result is looked at.
  if ! "$SELF" _build "$suite" "$root" "$uri" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "could not build $root (whole log: $log)"
  fi
}

installed() {
  local server root
  for server in "$@"; do
    root=$(root_of "$server")
    if [[ $root == / ]]; then
      package_installed rabbitmq-server || return 1
    else
      folder_complete "$root" || return 1
    fi
  done
}

install() {
  require_debian_root
  if installed "${ALL_SERVERS[@]}"; then
    say 'all servers are installed'
    return 0
  fi
  mkdir -p "$CACHE"
  # One install at a time; the lock goes when this process ends, however it ends.
  exec 9>"$CACHE/install.lock"
  if ! flock -n 9; then
    say 'another install is running, waiting for it'
    flock -w 1200 9 || die 'the other install did not end within 20 minutes'
  fi
  trap restore_service_starts EXIT
  install_packages debootstrap ca-certificates
  if [[ -z $(mirror) ]]; then apt_update >"$CACHE/install-packages.log" 2>&1; fi
  # The folders are built, as jobs, while the machine's own packages are installed. A job keeps the lock: should
  # this process be killed, the next install waits for what it left running.
  local server jobs=() failed=0 job
  for server in "${ALL_SERVERS[@]}"; do
    if [[ $(root_of "$server") != / ]]; then
      "install_$server" &
      jobs+=($!)
    fi
  done
  for server in "${ALL_SERVERS[@]}"; do
    if [[ $(root_of "$server") == / ]]; then ("install_$server") || failed=1; fi
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  if ((failed)); then die 'the install did not finish'; fi
  say "installed: $(for server in "${ALL_SERVERS[@]}"; do printf '%s=RabbitMQ %s ' "$server" "$(version_of "$server")"; done)"
}

version_of() {
  local root
  root=$(root_of "$1")
  dpkg-query --admindir "${root%/}/var/lib/dpkg" -W -f '${Version}' rabbitmq-server
}

# ---------------------------------------------------------------------------------------------- ports

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Gives DIR its ports, once: free ones below the range of outgoing connections, that no other DIR was given (a
# stopped one may be started again). DIR/ports has lines 'NAME=PORT'.
readonly PORT_NAMES=(EPMD AMQP_310 DIST_310 AMQP_43 DIST_43)
assign_ports() {
  local dir=$1 given=$CACHE/ports kept='' port other name lines=''
  mkdir -p "$CACHE"
  exec 8>"$CACHE/ports.lock"
  flock -w 60 8 || die 'the list of given ports stays locked'
  if [[ -f $dir/ports ]]; then
    exec 8>&-
    return 0
  fi
  if [[ -f $given ]]; then
    while read -r port other; do
      if [[ -f $other/ports && $other != "$dir" ]]; then kept+="$port $other"$'\n'; fi
    done <"$given"
  fi
  for name in "${PORT_NAMES[@]}"; do
    for ((;;)); do
      port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
      if [[ $'\n'$kept == *$'\n'"$port "* ]] || port_open "$port"; then continue; fi
      break
    done
    kept+="$port $dir"$'\n'
    lines+="$name=$port"$'\n'
  done
  printf '%s' "$kept" >"$given"
  printf '%s' "$lines" >"$dir/ports"
  exec 8>&-
}

port_of() { sed -n "s/^$2=//p" "$1/ports"; }

# ---------------------------------------------------------------------------------------------- processes

# Every process of a server carries RABBITARQ_SERVER=DIR/NAME in its environment. That tells ours from any other,
# also from one that has got the number of an ended one of ours.
ours() { [[ -n ${3:-} ]] && grep -qzxF "RABBITARQ_SERVER=$1/$2" "/proc/$3/environ" 2>/dev/null; }

processes_of() {
  { grep -lzxF "RABBITARQ_SERVER=$1/$2" /proc/[0-9]*/environ 2>/dev/null || true; } | cut -d/ -f3
}

pid_in() { if [[ -s $1 ]]; then tr -d '[:space:]' <"$1" 2>/dev/null || true; fi; }

running() { ours "$1" "$2" "$(pid_in "$1/$2.pid")"; }

# await SECONDS COMMAND...: true as soon as COMMAND is.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then return 1; fi
    sleep 0.1
  done
}

ended() { ! ours "$@"; }

# end_processes DIR NAME SECONDS: asks the server to end, waits for that, and kills what remains of its processes.
# SIGTERM is a broker's orderly stop, the same as rabbitmqctl stop, without starting a second Erlang machine.
end_processes() {
  local dir=$1 name=$2 seconds=$3 pid
  for pid in "$(pid_in "$dir/$name.pid")" "$(pid_in "$dir/$name/pid")"; do
    if ours "$dir" "$name" "$pid"; then
      kill -TERM "$pid" 2>/dev/null || true
      if await "$seconds" ended "$dir" "$name" "$pid"; then break; fi
      say "$name did not end within $seconds s, killing it"
    fi
  done
  # Again and again, because one of them may just be starting another.
  await 10 kill_processes "$dir" "$name" || die "the processes of $name cannot be killed"
  rm -f "$dir/$name.pid" "$dir/$name/pid" "$dir/$name.launcher"
}

kill_processes() {
  local pid none=1
  for pid in $(processes_of "$1" "$2"); do
    none=0
    kill -KILL "$pid" 2>/dev/null || true
  done
  ((none))
}

# One epmd for the nodes of one DIR, on a port of its own, so that none that others use is used or stopped.
begin_epmd() {
  local dir=$1 pid
  if running "$dir" epmd; then return 0; fi
  if port_open "$(port_of "$dir" EPMD)"; then
    die "port $(port_of "$dir" EPMD) (EPMD of $dir) is used by something else now; start in a fresh folder"
  fi
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin RABBITARQ_SERVER="$dir/epmd" setsid \
    unshare --mount --propagation private -- "$HERE/servers/enter.sh" "$(root_of "$2")" '' rabbitmq \
    epmd -address 127.0.0.1 -port "$(port_of "$dir" EPMD)" </dev/null >"$dir/epmd.log" 2>&1 &
  pid=$!
  disown "$pid"
  # setsid, unshare, chroot: each becomes the next, so this number is that of epmd in the end.
  echo "$pid" >"$dir/epmd.pid"
  await 10 port_open "$(port_of "$dir" EPMD)" || { cat "$dir/epmd.log" >&2; die 'epmd did not start'; }
}

# ---------------------------------------------------------------------------------------------- a broker
# Each broker sees its folder DIR/NAME as /var/lib/rabbitmq, through a mount that only it has. Programs that call
# it (ctl) enter the same way.

prepare_broker() {
  local dir=$1 server=$2 data=$1/$2 root id
  root=$(root_of "$server")
  mkdir -p "$data/log" "$data/mnesia" "$data/conf"
  if [[ ! -f $dir/cookie ]]; then
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/cookie")
  fi
  if [[ ! -f $data/.erlang.cookie ]]; then
    install_file "$dir/cookie" "$data/.erlang.cookie" 400
  fi
  : >"$data/conf/env.conf"
  echo '[].' >"$data/conf/enabled_plugins"
  cat >"$data/conf/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$(port_of "$dir" "AMQP_$server")
num_acceptors.tcp = 4
log.file.level = warning
log.console = false
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
load_definitions = /var/lib/rabbitmq/conf/definitions.json
CONF
  cat >"$data/conf/definitions.json" <<JSON
{
  "vhosts": [{ "name": "/" }],
  "users": [
    { "name": "$TEST_USER", "password": "$TEST_PASSWORD", "tags": "administrator" },
    { "name": "guest", "password": "guest", "tags": "administrator" }
  ],
  "permissions": [
    { "user": "$TEST_USER", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" },
    { "user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }
  ]
}
JSON
  cat >"$data/conf/environment" <<ENVIRONMENT
RABBITARQ_SERVER=$dir/$server
PATH=/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/var/lib/rabbitmq
LANG=C.UTF-8
LC_ALL=C.UTF-8
ERL_EPMD_ADDRESS=127.0.0.1
ERL_EPMD_PORT=$(port_of "$dir" EPMD)
ERL_CRASH_DUMP=/var/lib/rabbitmq/log/erl_crash.dump
RABBITMQ_NODENAME=arq$server@localhost
RABBITMQ_DIST_PORT=$(port_of "$dir" "DIST_$server")
RABBITMQ_BASE=/var/lib/rabbitmq
RABBITMQ_MNESIA_BASE=/var/lib/rabbitmq/mnesia
RABBITMQ_LOG_BASE=/var/lib/rabbitmq/log
RABBITMQ_PID_FILE=/var/lib/rabbitmq/pid
RABBITMQ_CONF_ENV_FILE=/var/lib/rabbitmq/conf/env.conf
RABBITMQ_CONFIG_FILE=/var/lib/rabbitmq/conf/rabbitmq.conf
RABBITMQ_ADVANCED_CONFIG_FILE=/var/lib/rabbitmq/conf/advanced.config
RABBITMQ_ENABLED_PLUGINS_FILE=/var/lib/rabbitmq/conf/enabled_plugins
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}
RABBITMQ_CTL_ERL_ARGS=+sbwt none +S 1:1 -kernel inet_dist_use_interface {127,0,0,1}
ENVIRONMENT
  id=$(awk -F: '$1 == "rabbitmq" { print $3 ":" $4 }' "${root%/}/etc/passwd")
  if [[ -z $id ]]; then die "$root has no user rabbitmq: run 'eng/servers.sh install'"; fi
  chown -R "$id" "$data"

  # Holds all that it needs, so that it works for whoever knows its path.
  cat >"$dir/ctl$server" <<CTL
#!/usr/bin/env bash
# rabbitmqctl for this node; written by eng/servers.sh.
mapfile -t environment <$(printf %q "$data/conf/environment")
exec env -i "\${environment[@]}" unshare --mount --propagation private -- \\
  $(printf %q "$dir/enter.sh") $(printf %q "$root") $(printf %q "$data") rabbitmq \\
  rabbitmqctl "\$@"
CTL
  cp "$HERE/servers/enter.sh" "$dir/enter.sh"
  chmod 755 "$dir/ctl$server" "$dir/enter.sh"
}

install_file() { cp "$1" "$2" && chmod "$3" "$2"; }

begin_broker() {
  local server=$1 data=$DIR/$1 environment port
  prepare_broker "$DIR" "$server"
  for port in "AMQP_$server" "DIST_$server"; do
    if port_open "$(port_of "$DIR" "$port")"; then
      die "port $(port_of "$DIR" "$port") ($port of $DIR) is used by something else now; start in a fresh folder"
    fi
  done
  rm -f "$data/pid" "$DIR/$server.pid"
  mapfile -t environment <"$data/conf/environment"
  # The brokers want many files open; as many as this machine lets them, up to their usual number.
  (
    ulimit -n "$(awk -v hard="$(ulimit -Hn)" 'BEGIN { print (hard == "unlimited" || hard > 65536) ? 65536 : hard }')"
    exec env -i "${environment[@]}" setsid unshare --mount --propagation private -- \
      "$HERE/servers/enter.sh" "$(root_of "$server")" "$data" rabbitmq rabbitmq-server
  ) </dev/null >"$data/log/console.log" 2>&1 &
  echo $! >"$DIR/$server.launcher"
  disown $!
}

# It is ready when it answers the AMQP greeting with a frame of its own: brokers open their port last of all.
greets() {
  local reply
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'AMQP\x00\x00\x09\x01' >&3
  reply=$(timeout 5 head -c 1 <&3 | od -An -tx1 | tr -d ' \n')
  exec 3>&-
  [[ $reply == 01 ]]
}

broker_ready_or_dead() {
  local server=$1
  if (greets "$(port_of "$DIR" "AMQP_$server")") 2>/dev/null; then return 0; fi
  # Not 'ours', which a process is only from its first exec on: this one may be that young.
  ! kill -0 "$(pid_in "$DIR/$server.launcher")" 2>/dev/null
}

broker_failed() {
  local server=$1 file
  say "RabbitMQ $server did not start: $2"
  for file in "$DIR/$server/log/"*; do
    if [[ -s $file ]]; then
      say "last lines of $file:"
      tail -n 40 "$file" >&2
    fi
  done
  return 1
}

ready_broker() {
  local server=$1 pid
  await "$START_SECONDS" broker_ready_or_dead "$server" \
    || { broker_failed "$server" "not ready after $START_SECONDS s"; return 1; }
  pid=$(pid_in "$DIR/$server/pid")
  ours "$DIR" "$server" "$pid" || { broker_failed "$server" 'it ended by itself'; return 1; }
  "$DIR/ctl$server" --quiet await_startup --timeout "$START_SECONDS" >/dev/null \
    || { broker_failed "$server" 'await_startup failed'; return 1; }
  echo "$pid" >"$DIR/$server.pid"
}

env_broker() {
  local server=$1
  printf 'RABBITARQ_TEST_AMQP_%s=%q\n' "$server" \
    "amqp://$TEST_USER:$TEST_PASSWORD@127.0.0.1:$(port_of "$DIR" "AMQP_$server")/"
  printf 'RABBITARQ_TEST_CTL_%s=%q\n' "$server" "$DIR/ctl$server"
  printf 'RABBITARQ_TEST_PID_%s=%q\n' "$server" "$DIR/$server.pid"
}

# ---------------------------------------------------------------------------------------------- commands

DIR=
SERVERS=()
REMOVE=0
COMMAND=()
parse() {
  while (($#)); do
    case $1 in
      --dir) if [[ -z ${2:-} ]]; then die '--dir needs a folder'; fi; DIR=$2; shift 2 ;;
      --rm) REMOVE=1; shift ;;
      --) shift; COMMAND=("$@"); break ;;
      -*) die "unknown option $1" ;;
      *) suite_of "$1" >/dev/null; SERVERS+=("$1"); shift ;;
    esac
  done
  if ((${#SERVERS[@]} == 0)); then SERVERS=("${ALL_SERVERS[@]}"); fi
}

need_dir() {
  if [[ -z $DIR || ! -f $DIR/ports ]]; then die "'$DIR' is no folder of started servers; name it with --dir"; fi
  DIR=$(readlink -f "$DIR")
}

start() {
  require_debian_root
  installed "${SERVERS[@]}" || die "not all servers are installed: run 'eng/servers.sh install' first"
  if [[ -z $DIR ]]; then DIR=$(mktemp -d "${TMPDIR:-/tmp}/rabbitarq-servers.XXXXXX"); fi
  mkdir -p "$DIR"
  chmod 755 "$DIR"
  DIR=$(readlink -f "$DIR")
  # Two starts of one folder wait for each other; the servers must not keep the lock.
  exec 7>"$DIR/lock"
  flock -w "$START_SECONDS" 7 || die "another start or stop holds $DIR"
  assign_ports "$DIR"
  say "starting ${SERVERS[*]} in $DIR"
  STARTING=1
  local server job failed=0
  begin_epmd "$DIR" "${SERVERS[0]}" 7>&-
  for server in "${SERVERS[@]}"; do
    if running "$DIR" "$server"; then continue; fi
    BEGUN+=("$server")
    "begin_$server" 7>&-
  done
  for server in "${BEGUN[@]}"; do
    "ready_$server" 7>&- &
    READY_JOBS+=($!)
  done
  for job in "${READY_JOBS[@]}"; do wait "$job" || failed=1; done
  if ((failed)); then die "the start failed; the logs are in $DIR"; fi
  for server in "${ALL_SERVERS[@]}"; do
    if running "$DIR" "$server"; then "env_$server"; fi
  done >"$DIR/env.new"
  printf 'RABBITARQ_TEST_SERVERS_DIR=%q\n' "$DIR" >>"$DIR/env.new"
  mv "$DIR/env.new" "$DIR/env"
  STARTING=0
  exec 7>&-
}

# What a start that failed or was interrupted has begun must not stay.
STARTING=0
BEGUN=()
READY_JOBS=()
undo_start() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  end_ready_jobs
  if ((STARTING)); then stop_servers 5 "${BEGUN[@]}" || true; fi
  exit "$code"
}

end_ready_jobs() {
  if ((STARTING && ${#READY_JOBS[@]})); then kill "${READY_JOBS[@]}" 2>/dev/null || true; fi
}

end_on_signals() {
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}

# stop_servers SECONDS SERVER...
stop_servers() {
  local server seconds=$1 jobs=() job
  shift
  for server in "$@"; do
    end_processes "$DIR" "$server" "$seconds" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || return 1; done
  for server in "${ALL_SERVERS[@]}"; do
    if running "$DIR" "$server"; then return 0; fi
  done
  end_processes "$DIR" epmd 5
  rm -f "$DIR/env"
}

stop() {
  need_dir
  exec 7>"$DIR/lock"
  flock -w "$START_SECONDS" 7 || die "another start or stop holds $DIR"
  stop_servers 30 "${SERVERS[@]}"
  exec 7>&-
  if ((REMOVE)); then
    local server
    for server in "${ALL_SERVERS[@]}"; do
      if running "$DIR" "$server"; then die "$server still runs, so $DIR is kept"; fi
    done
    # Only what is ours: DIR may be a folder that somebody keeps other things in.
    for server in "${ALL_SERVERS[@]}"; do
      rm -rf --one-file-system "${DIR:?}/$server" "$DIR/ctl$server"
    done
    rm -f "$DIR"/{env,ports,cookie,lock,enter.sh,epmd.log}
    rmdir "$DIR" 2>/dev/null || say "$DIR holds other files, so it is kept"
  fi
}

status() {
  need_dir
  local server down=0
  for server in "${SERVERS[@]}"; do
    if running "$DIR" "$server"; then
      printf '%s running, RabbitMQ %s, pid %s, port %s\n' "$server" "$(version_of "$server")" \
        "$(pid_in "$DIR/$server.pid")" "$(port_of "$DIR" "AMQP_$server")"
    else
      printf '%s down\n' "$server"
      down=1
    fi
  done
  return "$down"
}

run() {
  if ((${#COMMAND[@]} == 0)); then die "run needs a command: eng/servers.sh run -- COMMAND..."; fi
  local code=0 own=0 server
  require_debian_root
  for server in "${ALL_SERVERS[@]}"; do
    if [[ -n $DIR ]] && running "$(readlink -f "$DIR")" "$server"; then
      die "servers of $DIR run already, and run would stop them"
    fi
  done
  if [[ -z $DIR ]]; then own=1 DIR=$(mktemp -d "${TMPDIR:-/tmp}/rabbitarq-servers.XXXXXX"); fi
  REMOVE=$own
  trap end_run EXIT
  end_on_signals
  start
  # Should this process be killed outright, another one does the stopping.
  setsid "$SELF" _guard "$$" "$DIR" "$own" </dev/null >/dev/null 2>&1 &
  guard_pid=$!
  set -a
  # shellcheck source=/dev/null
  . "$DIR/env"
  set +a
  "${COMMAND[@]}" || code=$?
  exit "$code"
}

guard_pid=
end_run() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  end_ready_jobs
  exec 7>&- # the lock of a start that did not come to its end
  SERVERS=("${ALL_SERVERS[@]}")
  if [[ -f $DIR/ports ]]; then (stop) || say "could not stop the servers of $DIR"; fi
  if [[ -n $guard_pid ]]; then kill "$guard_pid" 2>/dev/null || true; fi
  exit "$code"
}

guard() {
  tail --pid="$1" -f /dev/null
  DIR=$2 REMOVE=$3
  sleep 1
  if [[ -f $DIR/ports ]]; then stop; fi
}

usage() { sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p}' "$SELF"; }

main() {
  local command=${1:-}
  if (($#)); then shift; fi
  case $command in
    install) install ;;
    start)
      parse "$@"
      trap undo_start EXIT
      end_on_signals
      start
      echo "$DIR"
      ;;
    stop) parse "$@"; require_debian_root; stop ;;
    status) parse "$@"; status ;;
    run) parse "$@"; run ;;
    _build) build_folder "$@" ;;
    _guard) SERVERS=("${ALL_SERVERS[@]}"); guard "$@" ;;
    -h | --help | help) usage ;;
    *) usage >&2; exit 64 ;;
  esac
}

main "$@"
