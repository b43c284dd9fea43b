#!/bin/bash
# In a mount namespace of its own: this machine's files with a layer on top that takes what is written and ends with us.
# usage: overlay.sh DIR [SCRIPT FOLDER]      runs the script in it, where FOLDER is /packages; without one: can it be mounted?
set -euo pipefail
dir=$1/overlay
mkdir -p "$dir"
mount -t tmpfs -o mode=755 tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
[ $# -gt 1 ] || exit 0
cd "$dir/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mkdir tmp/packages
cp "$3"/*.deb "$2" tmp/packages
exec chroot . /bin/bash "/tmp/packages/$(basename "$2")"
