#!/usr/bin/env bash
# Makes this checkpoint anew: config/checkpoints/act_push_button/make.sh FOLDER (about a quarter of an hour of two cores).
# What FOLDER has already is kept.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=${1:?usage: make.sh FOLDER}
mkdir -p "$folder"

./segue record robot:=franka task:=push_button teleop:=scripted episodes:=50 seed:=100000 --out "$folder/bags"
[ -d "$folder/demonstrations" ] || ./segue data convert "$folder/bags" "$folder/demonstrations"
./segue train act_small data="$folder/demonstrations" out="$folder/act_push_button" steps=2000
./segue eval --policy act --checkpoint "$folder/act_push_button" --task push_button --seeds 1000:1050
