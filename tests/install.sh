# What the scripts of this repository need of the machine: Debian packages and a Rust toolchain.
# shellcheck shell=bash disable=SC2034 # the lists are for those who source this

# What building fleet needs besides Rust itself.
BUILD_PACKAGES=(g++ gcc libc6-dev)
# What makes, runs and visits the lab's servers (tests/lab/host.sh).
LAB_PACKAGES=(
    ca-certificates curl debian-archive-keyring iproute2 mmdebstrap openssh-client systemd-container
)
# What the tests run on this machine itself: a real sshd, login shells, nginx and php-fpm that check what fleet wrote,
# a browser that shows its report, and what makes the Debian package.
TEST_PACKAGES=(
    binutils bsdutils chromium csh dash dpkg-dev fish fonts-dejavu-core git jq ksh mksh nginx openssh-server php-fpm openssl procps
    shellcheck sudo tcsh zsh
)

fail() {
    printf 'error: %s\n' "$1" >&2
    [[ -z ${2:-} ]] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

# Runs a command as root.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        command -v sudo >/dev/null || fail "root is needed for: $*" 'run this as root, or install sudo'
        sudo "$@"
    fi
}

# Installs those of the named packages that are missing. What they bring along is not started, now or at boot.
install_packages() {
    local package missing=()
    [[ -r /etc/debian_version ]] || fail 'this script knows only Debian: it installs what it needs with apt'
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    printf 'installing Debian packages: %s\n' "${missing[*]}"
    as_root bash -s -- "${missing[@]}" >"$INSTALL_LOG" 2>&1 <<'ROOT' || {
        set -e
        export DEBIAN_FRONTEND=noninteractive
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
            trap 'rm -f "$policy"' EXIT
        fi
        apt-get update -q </dev/null
        apt-get install -q -y --no-install-recommends "$@" </dev/null
        for package in "$@"; do
            case $package in
                openssh-server) systemctl disable ssh.service ;;
                nginx) systemctl disable nginx.service ;;
                php-fpm) for unit in /lib/systemd/system/php*-fpm.service; do systemctl disable "${unit##*/}"; done ;;
            esac </dev/null || true
        done
ROOT
        tail -n 30 "$INSTALL_LOG" >&2
        fail "could not install ${missing[*]}" "the end of $INSTALL_LOG is above"
    }
}
INSTALL_LOG=${TMPDIR:-/tmp}/fleet-install-$UID.log

# Finds cargo, also where the shell's profile was not read.
find_rust() {
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    command -v cargo >/dev/null || fail 'Rust is not installed' 'see https://rustup.rs'
}

# Makes sure of `cargo fmt` and `cargo clippy`, which rustup may have left out.
find_rust_tools() {
    find_rust
    { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 || rustup component add rustfmt clippy ||
        fail "this Rust has no 'cargo fmt' and 'cargo clippy'" 'install Rust with rustup: https://rustup.rs'
}
