"""What a user of torch.nn expects of every module."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from complexnn.testing.inputs import deviation, example_input, rounding, run

_SENTINEL = 123  # exact in every dtype, unlikely as a value of anything


def assert_module_contract(module: nn.Module | Callable[..., nn.Module], *inputs: Tensor) -> None:
    """Assert that a module behaves as those of torch.nn do.

    - device, dtype: parameters and buffers are made where and in the dtype asked for (real ones in its real twin), and
      so is the output; on ``meta`` the output has the right shape and dtype.
    - deepcopy, pickle: the copy computes the same and shares no memory.
    - state_dict: saved, and loaded into another instance, it reproduces the outputs; no tensor stands outside it.
    - reset_parameters: every parameter and every running statistic starts again.
    - repr: shows the class, the arguments without default and those that differ from it; no memory address.
    - forward leaves its inputs as they are.

    Args:
        module: a module, or a callable that makes one from the keywords ``device=`` and ``dtype=``. Only with the
            latter are those two keywords tested, and loading into a fresh instance.
        *inputs: what it is called with; by default :func:`example_input`.

    Raises:
        AssertionError: which expectation is broken, and how.

    Example:
        >>> import complexnn
        >>> from functools import partial
        >>> assert_module_contract(partial(complexnn.Linear, 3, 2))
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _check(module, inputs)


def _check(module: nn.Module | Callable[..., nn.Module], inputs: tuple[Tensor, ...]) -> None:
    make = None if isinstance(module, nn.Module) else module
    instance = copy.deepcopy(module) if isinstance(module, nn.Module) else module()
    inputs = inputs or (example_input(instance),)
    if make is not None:
        for dtype in (torch.complex64, torch.complex128):
            cast = [_cast(tensor, dtype) for tensor in inputs]
            _check_dtype(make(dtype=dtype), dtype, cast)
            _check_device(make(dtype=dtype), make(device="meta", dtype=dtype), cast)
        inputs = tuple(_cast(tensor, torch.complex64) for tensor in inputs)
        instance = make(dtype=torch.complex64)
    running = _exercise(instance.train(), inputs)
    _check_inputs(instance, inputs)
    _check_tensors(instance, running)
    _check_repr(instance)
    _check_copies(instance, inputs)
    _check_state_dict(instance, make, inputs)
    _check_reset(instance, running, make, inputs)


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if tensor.is_complex():
        return tensor.to(dtype)
    return tensor.to(dtype.to_real()) if tensor.is_floating_point() else tensor


def _floating(tensor: Tensor) -> bool:
    return tensor.is_complex() or tensor.is_floating_point()


def _state(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _exercise(module: nn.Module, inputs: tuple[Tensor, ...]) -> set[str]:
    """Move parameters and running statistics off their initial values; the names of the statistics."""
    module(*(tensor.clone() for tensor in inputs))  # a lazy module takes its shape
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, dtype=parameter.dtype, generator=generator)
            parameter.add_(noise.to(parameter.device), alpha=0.3)
        for scale in (2.0, 3.0):
            module(*(tensor * scale if tensor.is_complex() else tensor for tensor in inputs))
    return {name for name, buffer in module.named_buffers() if not torch.equal(buffer, before[name])}


def _same(module: nn.Module, other: nn.Module, inputs: tuple[Tensor, ...]) -> bool:
    """Whether two modules compute the same, in training and in evaluation."""
    for training in (True, False):
        pair = [run(each.train(training), inputs) for each in (module, other)]
        for actual, expected in zip(*pair, strict=True):
            if deviation(actual, expected) > (rounding(expected.dtype) if _floating(expected) else 0):
                return False
    return True


def _check_dtype(module: nn.Module, dtype: torch.dtype, inputs: list[Tensor]) -> None:
    def check(name: str, tensor: Tensor) -> None:
        if _floating(tensor) and tensor.dtype not in (dtype, dtype.to_real()):
            raise AssertionError(f"dtype: {name} of {module} is {tensor.dtype} where {dtype} was asked for")

    for name, tensor in _state(module):  # before it runs: the operation that a wrong dtype breaks says less
        check(name, tensor)
    for number, output in enumerate(run(module, inputs)):
        check(f"output {number}", output)


def _check_device(module: nn.Module, meta: nn.Module, inputs: list[Tensor]) -> None:
    outputs = run(module, inputs)
    on_meta = list(run(meta, [tensor.to("meta") for tensor in inputs]))
    for name, tensor in (*_state(meta), *((f"output {i}", output) for i, output in enumerate(on_meta))):
        if tensor.device.type != "meta":
            raise AssertionError(f"device: {name} of {module} is on {tensor.device} where meta was asked for")
    described = [[(tuple(t.shape), t.dtype) for t in side] for side in (outputs, on_meta)]
    if described[0] != described[1]:
        raise AssertionError(f"device: {module} gives {described[0]} on the CPU and {described[1]} on meta")


def _check_inputs(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    given = [tensor.clone() for tensor in inputs]
    copy.deepcopy(module)(*given)
    for number, (before, after) in enumerate(zip(inputs, given, strict=True)):
        if not torch.equal(before, after):
            raise AssertionError(f"input: {module} changes its input {number}")


def _check_tensors(module: nn.Module, running: set[str]) -> None:
    for path, submodule in module.named_modules():
        for name, value in vars(submodule).items():
            if isinstance(value, Tensor):
                where = f"{path}.{name}" if path else name
                raise AssertionError(f"state_dict: {where} of {module} is neither a parameter nor a buffer")
    if missing := running - module.state_dict().keys():
        raise AssertionError(f"state_dict: {', '.join(sorted(missing))} of {module} changes in training and is missing")


def _check_repr(module: nn.Module) -> None:
    text = repr(module)
    if type(module).__name__ not in text or " at 0x" in text:
        raise AssertionError(f"repr: expected the class's name and no memory address, got {text}")
    for name, parameter in inspect.signature(type(module).__init__).parameters.items():
        value = vars(module).get(name)
        if not isinstance(value, (bool, int, float, str, tuple)):
            continue
        default = parameter.default
        spread = isinstance(value, tuple) and value == (default,) * len(value)  # torch keeps padding 0 as (0, 0)
        if value != default and not spread and str(value) not in text:
            raise AssertionError(f"repr: {name}={value!r} does not show in {text}")


def _check_copies(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    for kind, twin in (("deepcopy", copy.deepcopy(module)), ("pickle", pickle.loads(pickle.dumps(module)))):
        if not _same(module, twin, inputs):
            raise AssertionError(f"{kind}: the copy of {module} computes something else")
        memory = {tensor.data_ptr() for _, tensor in _state(module) if tensor.numel()}
        shared = [name for name, tensor in _state(twin) if tensor.numel() and tensor.data_ptr() in memory]
        if shared:
            raise AssertionError(f"{kind}: the copy of {module} shares the memory of {', '.join(shared)}")


def _check_state_dict(module: nn.Module, make: Callable[..., nn.Module] | None, inputs: tuple[Tensor, ...]) -> None:
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        other = make(dtype=torch.complex64) if make else copy.deepcopy(module)
    if not make:
        with torch.no_grad():
            for tensor in other.state_dict().values():
                tensor.zero_()
    other.load_state_dict(torch.load(file, weights_only=True))
    if not _same(module, other, inputs):
        raise AssertionError(f"state_dict: another instance of {module} that loads it computes something else")


def _check_reset(
    module: nn.Module, running: set[str], make: Callable[..., nn.Module] | None, inputs: tuple[Tensor, ...]
) -> None:
    with torch.no_grad():
        for name, tensor in _state(module):
            if name in running or isinstance(tensor, nn.Parameter):
                tensor.fill_(_SENTINEL)
    for path, submodule in module.named_modules():
        owned = {path + "." * bool(path) + name for name, _ in submodule.named_buffers(recurse=False)} & running
        if not (owned or any(True for _ in submodule.parameters(recurse=False))):
            continue
        reset = getattr(submodule, "reset_parameters", None)
        if reset is None:
            raise AssertionError(
                f"reset_parameters: {submodule} has parameters or running statistics but no such method"
            )
        reset()
    fresh = [dict(_state(_seeded(make, seed, inputs))) for seed in (3, 4)] if make else []
    for name, tensor in _state(module):
        if name not in running and not isinstance(tensor, nn.Parameter):
            continue
        if bool((tensor == _SENTINEL).any()):
            raise AssertionError(f"reset_parameters: {name} of {module} stays as it was")
        if fresh and not _alike(tensor.detach(), *(state[name].detach() for state in fresh)):
            raise AssertionError(f"reset_parameters: {name} of {module} does not start again as in a new one")


def _seeded(make: Callable[..., nn.Module], seed: int, inputs: tuple[Tensor, ...]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make(dtype=torch.complex64)
        if any(is_lazy(tensor) for _, tensor in _state(module)):
            module(*inputs)
        return module


def _alike(tensor: Tensor, first: Tensor, second: Tensor) -> bool:
    """Whether a tensor starts as two fresh ones do: equal where they are, and of their size where they are random."""
    if torch.equal(first, second):
        return torch.equal(tensor, first)
    if tensor.numel() < 16:
        return bool(tensor.isfinite().all())
    ratio = float(tensor.abs().square().mean() / (first.abs().square().mean() + second.abs().square().mean()) * 2)
    return 1 / 8 < ratio < 8
