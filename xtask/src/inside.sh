# Runs a program inside another system: root, the folder to show there, where to run it, the program and its arguments.
# Called with a mount namespace of its own, so that nothing is left mounted, however it ends.
set -eu
root=$1 shown=$2 folder=$3
shift 3
mkdir -p "$root$shown"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$shown" "$root$shown"
exec chroot "$root" /usr/bin/env --chdir="$folder" "$@"
