#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/flow_drawer/make.sh FOLDER (40 minutes of one core; half of it with two).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task drawer --seeds 0:260 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/flow_drawer" ] || ./segue train legato_trunk task=drawer data="$folder/demonstrations" \
    out="$folder/flow_drawer" steps=3000 method=flow threads=1 validation_share=0.08 evaluations=4
./segue eval --task drawer --checkpoint "$folder/flow_drawer" --seeds 1000:1050 --delay 8 --stride 30 --ramp 22
