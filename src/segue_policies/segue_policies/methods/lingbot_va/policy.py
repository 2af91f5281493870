"""A trained checkpoint behind the policy protocol: Algorithm 1, and Algorithm 2 where a request says what is executed.

told every tau ticks       m-tau    m         r ticks later, not told yet: o, the request
tick                       |--------|--r--|------ d ------|
plain                               a ... predicted ...                  rows before o are dropped
world_model                         a ..... executed ....... | predicted, from what these lead to
                                    '----- g tau rows ------'  the fewest whole steps that cover r + d
"""

from __future__ import annotations

import time
from collections import deque
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.arrays import Floats, Rgb
from segue_core.blending import continuous
from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.errors import ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_core.sampling import PLAIN, WORLD_MODEL, WORLD_MODEL_NAIVE, NoOptions, WorldModelSampling
from segue_policies.checkpoints.checkpoint import Checkpoint, CheckpointConfig, inspect_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.methods.lingbot_va.actions import Universal
from segue_policies.methods.lingbot_va.autoencoder import tokens_of, views_of
from segue_policies.methods.lingbot_va.config import OUTSIDE, WorldConfig, WorldOptions
from segue_policies.methods.lingbot_va.drawing import Denoising, Drawing, guided_rows
from segue_policies.methods.lingbot_va.memory import Memory, Mind
from segue_policies.methods.lingbot_va.method import METHODS
from segue_policies.methods.lingbot_va.model import WorldNet, build_network
from segue_policies.methods.lingbot_va.outside import found_outside
from segue_policies.methods.lingbot_va.remembered import Remembered, Step
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import (
    check_guidance,
    check_observation,
    check_served,
    not_finite,
    read_options,
)
from segue_policies.supervised.policy import SupervisedPolicy

SERVED = (PLAIN.name, WORLD_MODEL.name, WORLD_MODEL_NAIVE.name)
_SEEDS = 2**63
STALE = "an earlier imagination was missing: what the executed actions lead to was imagined anew"


@dataclass(frozen=True, eq=False)
class Expects:
    """What an answer expects to see: `pictures` (steps, N, latent) drawn from `memory`, the first for tick `first`."""

    drawing: Drawing
    memory: Memory
    pictures: Tensor
    first: int


class WorldPolicy(SupervisedPolicy):
    """Remembers up to its window; an answer is a function of the request and of what it was told before."""

    network, settings = build_network, WorldConfig
    capabilities = METHODS[0].capabilities

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder; raises as `SupervisedPolicy`, and ConfigError for a foreign action space."""
        given = parse_model(dict(deployment.options), WorldOptions, "policy_options")
        self._elsewhere = given.model_dump(include=set(OUTSIDE), exclude_none=True)
        super().__init__(deployment)
        self._world = cast(WorldNet, self._net)
        self._config = _as_deployed(self._world.config, given)
        self._universal = Universal(self._info.action_space)
        self._info = _with_memory(self._info, self._config)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._expects: Expects | None = None
        self._memory = Remembered(deque(maxlen=self._config.remembered))

    def corrected(self) -> None:
        """What was planned and imagined for the ticks that a person has now will not be."""
        self._memory.planned.clear()
        self._memory.imagined.clear()

    def fork(self) -> WorldPolicy:
        """One with the same memory, which goes its own way."""
        other = copy(self)
        other._memory = self._memory.branch()
        return other

    @torch.no_grad()
    def observe(self, observation: Observation, executed: NDArray[np.float32]) -> None:
        """One more step, or more where observations were lost; `executed` (n, D) are the rows since the one before.

        Raises:
            PolicyError: a missing or wrong image or state, or rows that are not whole steps.
        """
        images, state = check_observation(observation, self._info, self._state_dim)
        glance = self._config.glance
        if len(executed) % glance:
            text = f"{self._info.name}: rows since the observation before"
            raise PolicyError(
                ErrorCode.POLICY_BAD_REQUEST, text, got=len(executed), expected=f"a multiple of {glance}"
            )
        encoder = self._picture_encoder
        shown = encoder.encode(encoder.normalise(torch.from_numpy(images)[None].to(self._device)))[0]
        rows = np.asarray(executed, np.float64)
        if not self._memory.steps:
            whole = rows[len(rows) % self._config.every :]
            self._step(observation.tick, self._led(observation.tick, state, whole), shown[None])
            return
        looks = np.split(rows, len(rows) // glance) if len(rows) else []
        for number, since in enumerate(looks, start=1 - len(looks)):
            tick = observation.tick + glance * number
            made = self._memory.look(since, shown if number == 0 else None, self._world.autoencoder.shots)
            if made is not None:
                self._step(tick, self._led(tick, None, made[0]), made[1])

    def _step(self, tick: int, wide: Floats, pictures: Tensor) -> None:
        """A step with pictures (shots, cameras, 3, h, w), to which the actions `wide` (n, 30) led."""
        memory, network = self._memory, self._world.autoencoder
        actions = self._tensor(wide).unflatten(0, (-1, self._config.every))
        with self._runtime.computing(self._device):
            latents, memory.seen = network.step(pictures, memory.seen)
            told_to = memory.instruction
            mind = None if told_to is None else self._mind(told_to, Denoising.of(self._config))
            memory.add(Step(tick, actions, tokens_of(latents).float()[None]), mind)

    @torch.no_grad()
    def predict(self, request: PredictRequest) -> PredictResult:
        """One chunk.

        Raises:
            PolicyError: a sampling that is not served, a missing or wrong image or state, a wrong omega, reference or
                option, a delay that leaves no step of a chunk, a memory that is behind, a chunk that is not finite.
        """
        begin = time.perf_counter()
        check_served(request, self._info.name, SERVED)
        omega = check_guidance(request, self._info)
        _, state = check_observation(request.observation, self._info, self._state_dim)
        if not self._memory.steps:  # asked without having been told anything: it begins with what it is shown
            alone = self.fork()
            alone.observe(request.observation, np.zeros((0, self._info.action_space.dim), np.float32))
            return alone.predict(request)
        behind = self._behind(request)
        options = read_options(request, NoOptions if request.sampling == PLAIN.name else WorldModelSampling)
        with self._runtime.computing(self._device):
            rows, notes = self._rows(request, behind, omega, options)
        kept = round(float((omega >= 1.0).sum()))
        actions = self._space_rows(rows, state)
        actions[:kept] = request.reference[:kept]
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions.astype(np.float32))
        clipped = self._info.action_space.clip(actions).astype(np.float32)
        chunk = ActionChunk(
            clipped, request.start_tick, self._info.name, request.sequence, omega=omega[: len(clipped)]
        )
        return PredictResult(chunk, time.perf_counter() - begin, (*notes, *self._forgets()))

    @torch.no_grad()
    def imagined(self) -> dict[int, Rgb]:
        """What the last answer expects to see, by tick, denoised to the end: all cameras side by side."""
        told = self._expects
        if told is None:
            return {}
        cameras, rows = len(self._info.cameras), self._world.grid[0]
        with self._runtime.computing(self._device):
            whole = told.drawing.finished(told.memory, told.pictures)
            before = views_of(self._memory.steps[-1].latents[0], cameras, rows)
            views = self._world.autoencoder.decoded(views_of(whole, cameras, rows), before)
        shown = self._normaliser.decode_images(views.float().cpu())
        wide = shown.movedim(1, 2).flatten(2, 3).contiguous().numpy()
        return {told.first + self._config.every * k: picture for k, picture in enumerate(wide)}

    @property
    def remembers(self) -> tuple[int, int]:
        """Steps and bytes of keys and values that are kept now."""
        memory = self._memory.memory
        return len(self._memory.steps), memory.bytes if memory is not None else 0

    def _rows(
        self, request: PredictRequest, behind: int, omega: NDArray[np.float32], options: object
    ) -> tuple[Floats, tuple[str, ...]]:
        """Universal actions (n, 30), row 0 for the tick of the request, and notes."""
        how, memory = self._how(options), self._memory
        mind = self._mind(request.instruction, how)
        if memory.instruction != request.instruction or memory.memory is None:
            memory.instruction = request.instruction
            memory.recalled(mind)
        assert memory.memory is not None
        drawing = Drawing(mind, how, torch.Generator().manual_seed(request.seed % _SEEDS))
        fixed, executing = int((omega >= 1.0).sum()), np.zeros((0, self._world.units.mask.shape[0]))
        now, notes = memory.memory, tuple[str, ...]()
        if fixed:
            executing = self._executing(request, behind, fixed)
            grounded = request.sampling == WORLD_MODEL.name
            now, notes = self._after(drawing, now, executing, grounded)
        steps = self._config.chunk - len(executing) // self._config.every
        pictures, drawn = drawing.predict(now, steps)
        first = self._memory.tick + self._config.every * (1 + len(executing) // self._config.every)
        self._expects = Expects(drawing, now, pictures, first)
        memory.imagined.update({now.next + k: picture for k, picture in enumerate(pictures)})
        predicted = drawn.flatten(0, 1).double().cpu().numpy()
        rows = np.concatenate([executing, predicted])[behind:]
        later = request.start_tick + request.delay
        memory.planned.update(
            {request.start_tick + k: row for k, row in enumerate(rows) if request.start_tick + k >= later}
        )
        return self._world.units.decode(self._tensor(rows)).double().cpu().numpy(), notes

    def _after(
        self, drawing: Drawing, memory: Memory, executing: Floats, grounded: bool
    ) -> tuple[Memory, tuple[str, ...]]:
        """The memory with what is executed, and what that leads to."""
        actions = self._tensor(executing).unflatten(0, (-1, self._config.every))
        steps = range(memory.next, memory.next + len(actions))
        stale = [self._memory.imagined.get(step) for step in steps]
        there = [picture for picture in stale if picture is not None]
        if grounded or len(there) < len(stale):
            found, _ = drawing.ground(memory, actions)
            return found, () if grounded else (STALE,)
        return drawing.go_on(memory, actions, torch.stack(there)), ()

    def _executing(self, request: PredictRequest, behind: int, fixed: int) -> Floats:
        """Normalised actions (g tau, 30) from the last told tick on: what was since, and what will be."""
        every, longest = self._config.every, self._config.chunk
        steps = -(-(behind + fixed) // every)
        if steps >= longest:
            text = f"{self._info.name}: a delay of {fixed} ticks leaves nothing of a chunk to predict"
            expected = f"at most {(longest - 1) * every - behind}"
            raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, text, got=fixed, expected=expected)
        reference = np.asarray(request.reference[: steps * every - behind], np.float64)
        rows = self._world.units.of(self._universal, reference)
        share = (np.arange(behind)[:, None] + 1) / (behind + 1)
        since = (1 - share) * self._memory.last + share * rows[:1]
        return np.concatenate([since, rows])

    def _behind(self, request: PredictRequest) -> int:
        """Ticks from the last told picture to the request."""
        behind = request.start_tick - self._memory.tick
        if not 0 <= behind < self._config.every:
            text = f"{self._info.name}: its memory ends at tick {self._memory.tick}, {behind} ticks before the request"
            expected = f"0 to {self._config.every - 1}"
            raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text, expected=expected)
        return behind

    def _how(self, options: object) -> Denoising:
        how = Denoising.of(self._config)
        if not isinstance(options, WorldModelSampling):
            return how
        return replace(
            how,
            until=options.video_until or how.until,
            video_steps=options.video_steps or how.video_steps,
            action_steps=options.action_steps or how.action_steps,
        )

    def _mind(self, instruction: str, how: Denoising) -> Mind:
        rows = torch.from_numpy(self._world.spelt(instruction))[None].to(self._device)
        text = self._world.read(guided_rows(rows, how))
        return Mind(self._world, text, self._config.remembered)

    def _led(self, tick: int, state: NDArray[np.float32] | None, executed: Floats) -> Floats:
        """Normalised actions (n, 30) that led here; at first the measured state, where the arm was."""
        if state is not None and not len(executed):
            return self._began(state)
        wide = self._world.units.of(self._universal, executed)
        return self._memory.as_predicted(tick, wide) if self._config.remember == "predicted" else wide

    def _began(self, state: NDArray[np.float32]) -> Floats:
        every, width = self._config.every, self._world.units.mask.shape[0]
        if len(state) != self._info.action_space.dim:
            return np.zeros((every, width))
        return self._world.units.of(self._universal, np.tile(np.asarray(state, np.float64), (every, 1)))

    def _space_rows(self, wide: Floats, state: NDArray[np.float32]) -> Floats:
        """Rows (n, D) of universal ones, written so that no angle leaps by a turn from the measured state on."""
        rows = self._universal.decode(wide)
        space = self._info.action_space
        return continuous(space, rows, state) if len(state) == space.dim else rows

    def _forgets(self) -> tuple[str, ...]:
        window = self._config.remembered
        if len(self._memory.steps) < window:
            return ()
        seconds = window * self._config.every / self._info.rate_hz
        return (f"only the last {window} steps ({seconds:.1f} s) are remembered",)

    def _filled(self, folder: Path, checkpoint: Checkpoint) -> nn.Module:
        net = cast(WorldNet, super()._filled(folder, found_outside(checkpoint, self._elsewhere)))
        net.prepare()
        return net

    def _tensor(self, values: Floats) -> Tensor:
        return torch.from_numpy(values).float().to(self._device)


def _with_memory(info: PolicyInfo, config: WorldConfig) -> PolicyInfo:
    return replace(info, observe_every=config.glance, shortest=info.horizon - config.every + 1)


def deployed_info(deployment: Deployment) -> PolicyInfo:
    """What a checkpoint serves; raises as `checkpoints.checkpoint.inspect_checkpoint`."""
    deployment.runtime.check()
    method = METHODS[0]
    config: CheckpointConfig = inspect_checkpoint(deployment.folder(), method.name, deployment.expected)
    given = {"method": config.method, "horizon": config.horizon, **config.network}
    settings = parse_model(given, WorldConfig, "network")
    options = parse_model(dict(deployment.options), WorldOptions, "policy_options")
    return _with_memory(policy_info(config, method.capabilities), _as_deployed(settings, options))


def _as_deployed(trained: WorldConfig, options: WorldOptions) -> WorldConfig:
    """Raises ConfigError for an option that the training does not allow."""
    changed = trained.model_dump() | options.model_dump(exclude_none=True)
    return parse_model(changed, WorldConfig, "policy_options")
