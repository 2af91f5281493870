#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/legato_push_button/make.sh FOLDER (13 minutes of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task push_button --seeds 0:120 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/legato_push_button" ] || ./segue train legato_trunk task=push_button data="$folder/demonstrations" \
    out="$folder/legato_push_button" steps=2630 threads=1 network.encoder_of='{"front": "front", "left_shoulder": "left_shoulder", "right_shoulder": "right_shoulder", "wrist": "wrist"}'
./segue eval --task push_button --checkpoint "$folder/legato_push_button" --seeds 1000:1050 --delay 8 --stride 30 --ramp 22
