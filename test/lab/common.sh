# shellcheck shell=bash disable=SC2034 # used by those who source this
# What build and run both need to know. Sourced.

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kms-switcher

# One lab per recipe: changing a recipe file makes a new one.
recipe_hash=$(cd "$lab" && cat build common.sh recipe/* | sha256sum | cut -c1-12)
lab_dir=$cache/lab-$recipe_hash

say() { echo "lab: $*" >&2; }
die() {
	say "$@"
	exit 1
}

need() { # PROGRAM PACKAGE
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" > /dev/null ||
		die "$1 is missing: apt install $2"
}
