#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/action_stream_relocate_cup/make.sh FOLDER (45 minutes of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task relocate_cup --seeds 0:139 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data record --task relocate_cup --seeds 140:300 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/action_stream_relocate_cup" ] || ./segue train action_stream data="$folder/demonstrations" \
    out="$folder/action_stream_relocate_cup" steps=5855 threads=1 evaluations=8
./segue eval --policy action_stream --task relocate_cup --checkpoint "$folder/action_stream_relocate_cup" --seeds 1000:1050
