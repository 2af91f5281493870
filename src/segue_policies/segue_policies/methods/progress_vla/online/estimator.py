"""A progress estimator finetuned with episodes of any policy; its stop is calibrated anew with those held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from segue_core.contracts.base import parse_model
from segue_policies.checkpoints.checkpoint import load_checkpoint, method_of
from segue_policies.estimator_loading import make_estimator
from segue_policies.methods.progress_vla.estimator import TrainedEstimator
from segue_policies.methods.progress_vla.evaluator.model import Evaluator
from segue_policies.methods.progress_vla.info import KEY, stop_record
from segue_policies.methods.progress_vla.judging import Judged, judge
from segue_policies.methods.progress_vla.online.config import OnlineConfig
from segue_policies.methods.progress_vla.online.episodes import Said, Watched, anomalous, held_apart, watch
from segue_policies.methods.progress_vla.online.progress import finetune_progress
from segue_policies.methods.progress_vla.online.record import card, save_finetuned
from segue_policies.methods.progress_vla.plot import draw_calibration
from segue_policies.samples.rollouts import Rollout

PLOT = "calibration.png"


def finetune(
    folder: Path, rollouts: Sequence[Rollout], settings: Mapping[str, Any], out: Path
) -> dict[str, float]:
    """See `segue_policies.online_finetuning.learn_online`."""
    config = parse_model(dict(settings), OnlineConfig, "learn")
    begun = load_checkpoint(folder, method_of(folder))
    estimator = make_estimator(folder)
    assert isinstance(estimator, TrainedEstimator)
    net, device = estimator.net, next(estimator.net.parameters()).device
    watched = watch(rollouts, estimator.picture_encoder, estimator.language, device)
    trained = net.progress if isinstance(net, Evaluator) else net
    scores, judged, learned = improved(trained, net, watched, config)
    rate_hz = rollouts[0].rate_hz
    known = dict.fromkeys([*estimator.info.instructions, *(one.instruction for one in rollouts)])
    told = f"{learned} episodes that succeeded taught it; {judged.calibration}."
    text = card("Progress estimator", told, config, scores)
    save_finetuned(begun, net, out, {KEY: stop_record(judged.calibration, tuple(known))}, config.steps, text)
    draw_calibration(out / PLOT, judged.calibration, judged.quiet, judged.traces, rate_hz, config.done_share)
    return scores


def improved(
    trained: nn.Module, say: Said, watched: Sequence[Watched], config: OnlineConfig
) -> tuple[dict[str, float], Judged, int]:
    """Finetune `trained`; scores before and after on held-out episodes, the stop, and how many taught it."""
    part, held = held_apart(watched)
    rate_hz = part[0].rollout.rate_hz

    def judged() -> Judged:
        traces = [one.trace(say) for one in held]
        return judge(traces, rate_hz, config.false_stop_budget, config.done_share)

    before, fell = judged(), anomalous(held, say, config.margin)
    losses = finetune_progress(trained, say, part, config)
    after = judged()
    names = ("pearson", "mae", "stop_reliability")
    scores = {
        "success": sum(one.rollout.success for one in watched) / len(watched),
        **{f"{name}_before": before.scores[name] for name in names},
        "anomalies_before": fell,
        **after.scores,
        "anomalies": anomalous(held, say, config.margin),
        "online_loss": losses[-1],
    }
    return scores, after, len(part)
