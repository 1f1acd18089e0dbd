"""Networks and methods by their names, and which of them go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from torch import nn

import psp
from psp import methods
from psp.contexts import Family, Periodic
from psp.errors import UserError
from psp.superpose import Superposed, superpose

FAMILIES: dict[str, type[Family]] = {
    "identity": psp.Identity,
    "binary": psp.Binary,
    "complex": psp.Complex,
    "onepower": psp.OnePower,
    "rotation": psp.Rotation,
    "blockrotation": psp.BlockRotation,
    "signedpermutation": psp.SignedPermutation,
    "hadamard": psp.Hadamard,
    "localmix": psp.LocalMix,
    "kernel": psp.Kernel,
}
Network = Superposed | methods.TaskNetwork
TOLD = ("separate", "multihead", "xdg", "batchensemble", "supsup")  # networks that are told the task, not by contexts
SHARES = {"xdg": 0.8, "supsup": 0.5, "kernel": 0.06}  # by default: units off, weights left, a turn in a bandwidth
STRENGTHS = ("ewc", "online-ewc", "si", "protected")  # the methods that have one
METHODS = ("fine-tuning", "joint", *STRENGTHS, "replay")
APART = ("separate", "batchensemble", "supsup")  # whose tasks cannot reach each other
MEMORY = 2000  # samples that replay keeps


class Choice(Protocol):
    """What of a configuration says what is learned, and how."""

    @property
    def context(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def strength(self) -> float | None: ...
    @property
    def share(self) -> float | None: ...
    @property
    def tasks(self) -> int: ...
    @property
    def cycles(self) -> int: ...
    @property
    def hidden(self) -> int | None: ...
    @property
    def seed(self) -> int: ...


def spelled(name: str) -> str:
    """A context's name as the tables have it: case, dashes and underscores do not matter."""
    return name.lower().replace("-", "").replace("_", "")


def check(choice: Choice) -> None:
    """Raise UserError where a choice is unknown, or makes no sense."""
    context, method, strength, share = choice.context, choice.method, choice.strength, choice.share
    if context not in FAMILIES and context not in TOLD:
        raise UserError(f"unknown context {context}: known are {', '.join([*FAMILIES, *TOLD])}")
    if method not in METHODS:
        raise UserError(f"unknown method {method}: known are {', '.join(METHODS)}")
    if context in APART and method != "fine-tuning":
        raise UserError(f"{context} keeps its tasks apart by itself: method must be fine-tuning, got {method}")
    if method == "protected" and context not in FAMILIES:
        raise UserError(f"protected is for contexts of a family, {', '.join(FAMILIES)}: got {context}")
    if context == "xdg" and choice.hidden == 0:
        raise UserError("xdg gates hidden layers: hidden must be at least 1, got 0")
    if method in STRENGTHS and method != "protected" and strength is None:
        raise UserError(f"method {method} needs a strength: name it, or find one with psp tune")
    if method not in STRENGTHS and strength is not None:
        raise UserError(f"method {method} has no strength, got {strength}: that is for {', '.join(STRENGTHS)}")
    if strength is not None and not 0 <= strength < float("inf"):
        raise UserError(f"strength must be a number from 0, got {strength}")
    if strength == 0 and method == "protected":
        raise UserError(f"strength of protected must be above 0, got {strength}")
    if share is not None and context not in SHARES:
        raise UserError(f"context {context} has no share, got {share}: that is for {', '.join(SHARES)}")
    if share is not None and not 0 < share < 1:
        raise UserError(f"share must be above 0 and below 1, got {share}")


def needs_complex(choice: Choice) -> bool:
    """Whether the network of a choice is complex."""
    return choice.context in FAMILIES and FAMILIES[choice.context].needs_complex


def network(choice: Choice, make: Callable[[], nn.Module]) -> Network:
    """The network of a choice, called ``net(x, task=k)``, from one or, for ``separate``, many of ``make``."""
    tasks, seed = choice.tasks, choice.seed
    share = SHARES.get(choice.context) if choice.share is None else choice.share
    if choice.context in FAMILIES:
        kind = FAMILIES[choice.context]
        options: dict[str, float] = {"period": tasks} if issubclass(kind, Periodic) else {}
        if share is not None:
            options["bandwidth"] = share * tasks
        return superpose(make(), kind(seed=seed, **options))
    builders: dict[str, Callable[[], methods.TaskNetwork]] = {
        "separate": lambda: methods.Separate(make, tasks),
        "multihead": lambda: methods.MultiHead(make(), tasks),
        "xdg": lambda: methods.Gated(make(), share or 0.0, seed),
        "batchensemble": lambda: methods.Ensemble(make(), tasks, seed),
        "supsup": lambda: methods.Supermasks(make(), tasks, share or 0.0, seed),
    }
    return builders[choice.context]()


def method(choice: Choice, net: nn.Module) -> methods.Method:
    """The method of a choice over its network."""
    strength = choice.strength or 0.0
    builders: dict[str, Callable[[], methods.Method]] = {
        "fine-tuning": lambda: methods.Method(net),
        "joint": lambda: methods.Joint(net),
        "ewc": lambda: methods.EWC(net, strength),
        "online-ewc": lambda: methods.OnlineEWC(net, strength),
        "si": lambda: methods.SI(net, strength),
        "replay": lambda: methods.Replay(net, MEMORY, choice.seed),
        "protected": lambda: methods.Protected(cast(Superposed, net), choice.strength, choice.tasks),
    }
    return builders[choice.method]()


def told(net: Network) -> str:
    """What a network is told at test time beside its input: ``task`` or ``nothing``."""
    if isinstance(net, Superposed):
        return "nothing" if isinstance(net.family, psp.Identity) else "task"
    return net.told
