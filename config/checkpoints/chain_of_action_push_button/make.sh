#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/chain_of_action_push_button/make.sh FOLDER (a quarter of an hour of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task push_button --seeds 0:120 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/chain_of_action_push_button" ] || ./segue train chain_of_action_trunk data="$folder/demonstrations" \
    out="$folder/chain_of_action_push_button" steps=2660 threads=1 horizon=80 keyframes='{}' shortest=1
./segue eval --policy chain_of_action --task push_button --checkpoint "$folder/chain_of_action_push_button" --seeds 1000:1050
