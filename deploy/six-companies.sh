#!/bin/sh
# Founds a consortium of six companies with compose.yaml, and makes all of them validators. With "nats" as its
# argument it then moves the order to the three NATS servers.
set -eu
cd "$(dirname "$0")"
compose="${COMPOSE:-podman compose}"
others="press-works stamper fixit judge audit"

# One command in a company's container, beside its node or before there is one.
at() { service=$1; shift; $compose run --rm --no-deps -T "$service" "$@" </dev/null; }
in_node() { service=$1; shift; $compose exec -T "$service" millwright "$@" </dev/null; }

role() {
    case $1 in
        press-works) echo oem ;; stamper) echo customer ;; fixit) echo maintainer ;;
        judge) echo arbiter ;; audit) echo auditor ;;
    esac
}

# Waits until a command succeeds, at most two minutes.
until_ok() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || { echo "not in time: $*" >&2; exit 1; }
        sleep 2
    done
}

at chamber found "Six companies" --board chamber --country DE --endpoint https://chamber:7443
$compose up -d chamber
until_ok in_node chamber node status

for company in $others; do
    in_node chamber invite "$company" --role "$(role "$company")" --out "/exchange/$company.invitation"
    at "$company" join "/exchange/$company.invitation" --country DE --endpoint "https://$company:7443"
    $compose up -d "$company"
    in_node chamber admit "$company"
done
# Each node offers its voting key once the board has admitted its company.
until_ok in_node chamber validators set chamber $others --as chamber
until_ok sh -c "$compose exec -T audit millwright node status | grep -q '6 validators'"

[ "${1:-}" = nats ] || exit 0
for name in a b c; do
    mkdir -p "nats/$name"
    routes=
    for other in a b c; do [ "$other" = "$name" ] || routes="$routes --route nats-$other:6222"; done
    in_node chamber engine nats-config --name "$name" $routes --out "/exchange/nats-$name"
    $compose exec -T chamber cat "/exchange/nats-$name/nats-server.conf" >"nats/$name/nats-server.conf"
done
$compose --profile nats up -d
engine=nats://nats-a:4222,nats-b:4222,nats-c:4222
in_node chamber engine list set "$engine" --as chamber
for company in chamber $others; do in_node "$company" engine move "$engine" --no-wait; done
until_ok sh -c "$compose exec -T audit millwright engine show | grep -q '^engine *nats://'"
