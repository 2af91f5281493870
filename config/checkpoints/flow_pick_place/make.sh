#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/flow_pick_place/make.sh FOLDER (half an hour of two cores after those of
# legato_pick_place, whose demonstrations, first stage and corrections it takes). What FOLDER has already is kept.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}

[ -d "$folder/corrections" ] || config/checkpoints/legato_pick_place/make.sh "$folder"
./segue train --config config/training/legato_pick_place_corrected.yaml --method flow --steps 6930 \
    --data "$folder/demonstrations" --init "$folder/first" --corrections "$folder/corrections" \
    --out "$folder/flow_pick_place"
./segue eval --policy flow --checkpoint "$folder/flow_pick_place" --continuation rtc --delay 8 --stride 30 --ramp 22
