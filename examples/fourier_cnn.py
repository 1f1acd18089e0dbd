"""A complex CNN that reads handwritten digits in their Fourier domain.

scikit-learn's 1797 digits of 8 x 8 pixels are transformed by a unitary FFT; the network sees the complex spectra alone.
In a spectrum a shift of the digit is a ramp of the phase and its shape is in modulus and phase together, so that
neither part can be left out. A quarter of the digits is held out.

    python examples/fourier_cnn.py [--epochs 20] [--seed 0]

reads 98 % and more of the held-out digits within a minute on two cores.
"""

from __future__ import annotations

import argparse
import time

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import complexnn


def spectra(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The spectra (N, 1, 8, 8) and labels to train on, and those held out."""
    digits = load_digits()
    images = torch.as_tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.as_tensor(digits.target)
    z = torch.fft.fft2(images, norm="ortho")[:, None]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    held = len(labels) // 4
    return (z[order[held:]], labels[order[held:]]), (z[order[:held]], labels[order[:held]])


def network() -> nn.Sequential:
    """Three convolutions over a spectrum, which is periodic, and one complex score a class, read by its modulus."""
    layers: list[nn.Module] = []
    for channels, width, stride in ((1, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers += [
            complexnn.Conv2d(channels, width, 3, stride, padding=1, padding_mode="circular"),
            complexnn.BatchNorm2d(width),
            complexnn.CReLU(),
        ]
    return nn.Sequential(*layers, nn.Flatten(), complexnn.Linear(64 * 2 * 2, 10), complexnn.Modulus())


def accuracy(net: nn.Module, z: Tensor, labels: Tensor) -> float:
    net.eval()
    with torch.no_grad():
        return float((net(z).argmax(1) == labels).float().mean())


def main(arguments: list[str] | None = None) -> float:
    parser = argparse.ArgumentParser(description="Train a complex CNN on digits in their Fourier domain.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the order of the samples")
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    (z, labels), held_out = spectra(options.seed)
    net = network()
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    steps = options.epochs * -(-len(labels) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    start = time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        net.train()
        for batch in torch.randperm(len(labels)).split(64):
            loss = nn.functional.cross_entropy(net(z[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        print(f"epoch {epoch:2d}  loss {loss:.4f}  {time.perf_counter() - start:.0f} s")
    share = accuracy(net, *held_out)
    print(f"{100 * share:.1f} % of the {len(held_out[1])} held-out digits are read right")
    return share


if __name__ == "__main__":
    main()
