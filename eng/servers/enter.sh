#!/bin/sh
# enter.sh ROOT DATA USER COMMAND...: COMMAND as USER in the root folder ROOT, with DATA (when not empty) seen as
# /var/lib/rabbitmq. To be run in a mount namespace of its own (unshare --mount): its mounts end with it. Every
# step becomes the next, so the process number stays the same from here to COMMAND.
set -eu
root=$1 data=$2 user=$3
shift 3
if [ "$root" != / ]; then
  mount --rbind /proc "$root/proc"
  mount --rbind /dev "$root/dev"
fi
if [ -n "$data" ]; then
  mount --bind "$data" "${root%/}/var/lib/rabbitmq"
fi
exec chroot --userspec="$user:$user" "$root" "$@"
