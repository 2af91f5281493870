#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/progress_vla_drawer/make.sh FOLDER (two hours of one core).
# What FOLDER has already is kept. An interrupted training goes on with its own command and --resume.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

[ -d "$folder/demonstrations" ] || ./segue data record --task drawer --seeds 0:260 --disturb --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
[ -d "$folder/trained" ] || ./segue train progress_vla data="$folder/demonstrations" out="$folder/trained" training.clock=processor
./segue eval --task drawer --checkpoint "$folder/trained/policy" --seeds 1000:1050 --stride 15
