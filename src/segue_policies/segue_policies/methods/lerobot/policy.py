"""A LeRobot checkpoint behind the policy protocol: LeRobot's network in a process of its own, our requests.

    request -> wire -> preprocessor, network, postprocessor of LeRobot -> wire -> chunk (H, D)

Nothing is kept between requests: a policy that looks at several observations is sent all of them with each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, PolicyError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_core.sampling import BIDIRECTIONAL, PLAIN, RTC, BidirectionalSampling, NoOptions, RtcSampling
from segue_policies.deployment import Deployment
from segue_policies.guidance.coherence import distances
from segue_policies.methods.lerobot.client import LeRobotServer, open_server
from segue_policies.methods.lerobot.contract import Contract, check_runtime, read_contract, samplings
from segue_policies.methods.lerobot.lerobot_server.wire import Arrays
from segue_policies.methods.lerobot.place import Place, find_place
from segue_policies.request_checks import (
    check_observation,
    check_rows,
    check_served,
    not_finite,
    read_options,
)
from segue_policies.runtime import Runtime
from segue_policies.samples.normaliser import FLOORS

_MAX_SEED = 2**63 - 1


class LeRobotPolicy:
    """Deterministic in the request, as every policy here."""

    def __init__(self, contract: Contract, server: LeRobotServer) -> None:
        self._contract, self._server = contract, server
        answers: dict[str, Callable[[PredictRequest], NDArray[np.float32]]] = {
            PLAIN.name: self._plain,
            BIDIRECTIONAL.name: self._bidirectional,
            RTC.name: self._rtc,
        }
        self._samplings = {name: answers[name] for name in samplings(contract.kind)}

    @classmethod
    def deployed(cls, deployment: Deployment) -> LeRobotPolicy:
        """Serve a checkpoint folder (`config.json`, `model.safetensors` and the processors' files).

        Raises:
            PolicyError: it is missing, corrupt or not what is expected, or LeRobot cannot serve it.
            ConfigError: nothing says where LeRobot is, or it cannot compute as asked.
        """
        folder = deployment.folder()
        contract = read_contract(folder, deployment.expected)
        place = find_place(contract.lerobot)
        check_runtime(place, deployment.runtime)
        return cls.at(place, folder, contract, deployment.runtime)

    @classmethod
    def at(
        cls, place: Place, folder: Path, contract: Contract, runtime: Runtime | None = None
    ) -> LeRobotPolicy:
        """As `deployed`, of a contract that was read and by a LeRobot that was found."""
        return cls(contract, open_server(place, folder, runtime))

    @property
    def info(self) -> PolicyInfo:
        """What this checkpoint serves."""
        return self._contract.info

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the server says of itself: `lerobot` (its version), `device`."""
        return self._server.facts

    def reset(self) -> None:
        """Nothing is kept between requests."""

    def close(self) -> None:
        """Let go of LeRobot's process; requests are refused from then on."""
        self._server.close()

    def predict(self, request: PredictRequest) -> PredictResult:
        """One chunk by the sampling of the request: plain, bidirectional for what samples, rtc for flows.

        Raises:
            PolicyError: a sampling that this type cannot serve, a bad option, observation, reference or omega, a chunk
                that is not finite or of another length than config.json says, or a server that is gone.
        """
        start = time.perf_counter()
        check_served(request, f"lerobot ({self._contract.kind})", self._samplings)
        actions = self._samplings[request.sampling](request)
        info = self.info
        rows = info.action_space.clip(actions).astype(np.float32)
        omega = np.zeros(info.horizon, np.float32) if request.sampling == "plain" else request.omega
        chunk = ActionChunk(rows, request.start_tick, info.name, request.sequence, omega=omega)
        return PredictResult(chunk, time.perf_counter() - start)

    def _plain(self, request: PredictRequest) -> NDArray[np.float32]:
        read_options(request, NoOptions)
        chunk: NDArray[np.float32] = self._drawn(request, 1)[0]
        return chunk

    def _bidirectional(self, request: PredictRequest) -> NDArray[np.float32]:
        count = read_options(request, BidirectionalSampling).candidates
        reference, omega = self._guidance(request)
        drawn = self._drawn(request, count)
        space = self.info.action_space
        scale = np.concatenate([np.full(c.size, FLOORS[c.kind], np.float32) for c in space.channels])
        best: NDArray[np.float32] = drawn[int(np.argmin(distances(space, drawn, reference, omega, scale)))]
        return best

    def _rtc(self, request: PredictRequest) -> NDArray[np.float32]:
        weight = read_options(request, RtcSampling).max_guidance_weight
        reference, omega = self._guidance(request)
        guided = self._drawn(request, 1, {"weight": weight}, {"reference": reference, "omega": omega})
        chunk: NDArray[np.float32] = guided[0]
        return chunk

    def _guidance(self, request: PredictRequest) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        info = self.info
        omega = check_rows("omega", request.omega, (info.horizon,))
        reference = check_rows("reference", request.reference, (info.horizon, info.action_space.dim))
        return reference, omega

    def _drawn(
        self,
        request: PredictRequest,
        count: int,
        how: Mapping[str, Any] | None = None,
        more: Arrays | None = None,
    ) -> NDArray[np.float32]:
        """Chunks (count, H, D) in physical units, finite."""
        info = self.info
        seen = [check_observation(o, info, info.action_space.dim) for o in request.observations]
        asked = {
            "seed": request.seed & _MAX_SEED,
            "count": count,
            "task": self._contract.instruction or request.instruction,
            "cameras": self._contract.keys,
        }
        images, states = (np.stack(parts) for parts in zip(*seen, strict=True))
        arrays: Arrays = {"images": images, "state": states, **(more or {})}
        chunks = self._server.draw({**asked, **(how or {})}, arrays)
        expected = (count, info.horizon, info.action_space.dim)
        if chunks.shape != expected:
            text = "chunks from LeRobot (its config.json says how many rows)"
            raise PolicyError(ErrorCode.POLICY_FAILED, text, got=chunks.shape, expected=expected)
        if not np.isfinite(chunks).all():
            raise not_finite(f"lerobot ({self._contract.kind})", chunks)
        rows: NDArray[np.float32] = chunks.astype(np.float32)
        return rows
