#!/bin/sh
# Writes the captured packets as seeds of the target reply_parse: an octet for the socket, then what it delivers.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/reply_parse
for hex in ../tests/captures/*.hex; do
    case $(head -c 1 "$hex") in
        4) (printf 00; tr -d ' \n' <"$hex") ;;
        # A socket takes the forty octets of the IPv6 header off.
        6) (printf 02; tr -d ' \n' <"$hex" | cut -c 81-) ;;
    esac | xxd -r -p >"corpus/reply_parse/$(basename "$hex" .hex)"
done
