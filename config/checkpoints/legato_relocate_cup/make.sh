#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/legato_relocate_cup/make.sh FOLDER (17 minutes of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task relocate_cup --seeds 0:139 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/legato_relocate_cup" ] || ./segue train legato_trunk task=relocate_cup data="$folder/demonstrations" \
    out="$folder/legato_relocate_cup" steps=5725 threads=1 network.encoder_of='{"external": "external"}'
./segue eval --task relocate_cup --checkpoint "$folder/legato_relocate_cup" --seeds 1000:1050 --delay 8 --stride 30 --ramp 22
