"""A trained Legato checkpoint behind the policy protocol."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.chunk import ActionChunk
from segue_core.config_base import parse_model
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.common.checkpoint import Checkpoint, Expected, load_checkpoint
from segue_policies.common.serving import CAPABILITIES, check_observation, check_rows, policy_info
from segue_policies.legato.build import build_network
from segue_policies.legato.config import NetworkConfig
from segue_policies.legato.flow import sample, sample_one_shot
from segue_policies.legato.model import LegatoNet
from segue_policies.legato.rtc import sample_rtc

SAMPLERS = {"plain": sample, "legato": sample, "one_shot": sample_one_shot, "rtc": sample_rtc}


class LegatoPolicy:
    """Samples chunks; deterministic in the request, keeps nothing between requests."""

    def __init__(self, checkpoint: Checkpoint, threads: int | None = None) -> None:
        """Build the network; `threads` sets torch's CPU threads for this process when given."""
        if threads is not None:
            torch.set_num_threads(threads)
        self._info = policy_info(checkpoint.config, CAPABILITIES["legato"])
        self._normaliser = checkpoint.normaliser
        self._state_dim = checkpoint.config.state_dim
        self._net = _network(checkpoint)

    @classmethod
    def load(cls, folder: Path, expected: Expected | None = None, threads: int | None = None) -> LegatoPolicy:
        """Read a checkpoint folder; raises PolicyError when it is missing, corrupt or not what is expected."""
        return cls(load_checkpoint(folder, "legato", expected), threads)

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._info

    def reset(self) -> None:
        """Nothing is kept between requests."""

    @torch.no_grad()  # not inference mode: `rtc` differentiates the velocity
    def predict(self, request: PredictRequest) -> PredictResult:
        """Sample one chunk.

        Method `plain` ignores reference and omega; `legato` guides before every step; `one_shot` starts from the
        mixture only (the paper's baseline); `rtc` adds gradient guidance to every step (`rtc.py`).

        Raises:
            PolicyError: unsupported method, missing or wrong image or state, omega or reference of the wrong shape,
                not finite or out of range, or a chunk that is not finite.
        """
        start = time.perf_counter()
        if request.method not in SAMPLERS:
            raise PolicyError(
                ErrorCode.POLICY_UNSUPPORTED_METHOD,
                "legato: method",
                got=request.method,
                allowed=tuple(SAMPLERS),
            )
        images, state = self._observation(request.observation)
        omega, reference = self._guidance(request, state)
        velocity = self._net.bind(self._net.observe(images, self._normaliser.encode_state(state)))
        noise = torch.randn(
            reference.shape, generator=torch.Generator().manual_seed(request.seed & (2**63 - 1))
        )
        chunk = SAMPLERS[request.method](velocity, noise, omega, reference, self._info.num_steps)
        actions = self._finish(chunk, state)
        answer = ActionChunk(
            actions, request.start_tick, self._info.name, request.sequence, omega=omega[0].numpy()
        )
        return PredictResult(answer, time.perf_counter() - start)

    def _guidance(self, request: PredictRequest, state: Tensor) -> tuple[Tensor, Tensor]:
        """Omega (1, H) and the normalised reference (1, H, D); a plain request has zeros for both."""
        horizon, dim = self._info.horizon, self._info.action_space.dim
        if request.method == "plain":
            return torch.zeros(1, horizon), torch.zeros(1, horizon, dim)
        omega = check_rows("omega", request.omega, (horizon,))
        reference = check_rows("reference", request.reference, (horizon, dim))
        if omega.min() < 0 or omega.max() > 1:
            raise PolicyError(
                ErrorCode.POLICY_BAD_REQUEST,
                "omega",
                got=f"{omega.min()} to {omega.max()}",
                expected="0 to 1",
            )
        normalised = self._normaliser.encode_actions(torch.from_numpy(reference)[None], state)
        return torch.from_numpy(omega)[None], normalised

    def _observation(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Normalised images (1, cameras, 3, h, w) and the measured state (1, S) in physical units."""
        images, state = check_observation(observation, self._info, self._state_dim)
        return self._normaliser.encode_images(torch.from_numpy(images)[None]), torch.from_numpy(state)[None]

    def _finish(self, chunk: Tensor, state: Tensor) -> NDArray[np.float32]:
        """Physical units, inside the bounds of the action space."""
        actions = self._normaliser.decode_actions(chunk, state)[0].numpy()
        if not np.isfinite(actions).all():
            raise PolicyError(ErrorCode.POLICY_NOT_FINITE, "the sampled chunk is not finite")
        return self._info.action_space.clip(actions).astype(np.float32)


def _network(checkpoint: Checkpoint) -> LegatoNet:
    config = checkpoint.config
    try:
        net = build_network(
            parse_model(config.network, NetworkConfig, "network"), config.cameras, config.image_size, config.state_dim,
            (config.horizon, config.space().dim), config.num_steps,
        )  # fmt: skip
        net.load_state_dict({name: torch.from_numpy(array) for name, array in checkpoint.weights.items()})
    except (SegueError, RuntimeError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"weights do not fit config.yaml: {error}") from error
    return net.requires_grad_(False).eval()
