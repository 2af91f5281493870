#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/legato_pick_place/make.sh FOLDER (about 2 hours of two cores, 35 GB).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
configs=config/training
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] ||
    ./segue data record --task pick_place --seeds 100000:100806 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/first" ] || ./segue train --config $configs/legato_pick_place.yaml \
    --data "$folder/demonstrations" --out "$folder/first"
[ -d "$folder/corrections" ] || ./segue corrections --checkpoint "$folder/first" --seeds 30000:30500 \
    --delay 8 --stride 30 --ramp 22 --time-limit 25 --out "$folder/corrections"
./segue train --config $configs/legato_pick_place_corrected.yaml --data "$folder/demonstrations" \
    --init "$folder/first" --corrections "$folder/corrections" --out "$folder/legato_pick_place"
./segue eval --checkpoint "$folder/legato_pick_place" --delay 8 --stride 30 --ramp 22
