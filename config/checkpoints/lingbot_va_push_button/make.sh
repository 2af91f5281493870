#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/lingbot_va_push_button/make.sh FOLDER (an hour and a half of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task push_button --seeds 0:100 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/begun" ] || ./segue train lingbot_va data="$folder/demonstrations" out="$folder/begun" steps=2236 threads=1 evaluations=6
[ -d "$folder/lingbot_va_push_button" ] || ./segue train lingbot_va data="$folder/demonstrations" \
    out="$folder/lingbot_va_push_button" steps=2425 threads=1 evaluations=4 autoencoder_steps=0 training.init="$folder/begun" \
    training.frozen_parts='[autoencoder]' training.learning_rate=0.0007
./segue eval --policy lingbot_va --task push_button --checkpoint "$folder/lingbot_va_push_button" --seeds 1000:1050
