#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/progress_estimator_drawer/make.sh FOLDER (35 minutes of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task drawer --seeds 0:260 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/progress_estimator_drawer" ] || ./segue train progress_estimator data="$folder/demonstrations" \
    out="$folder/progress_estimator_drawer" steps=415 threads=1
./segue eval progress-shifts --seeds 1000:1050 --checkpoints "$folder"
