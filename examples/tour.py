"""complexnn in five minutes."""

import torch

import complexnn
from complexnn.testing import assert_equivariant

torch.manual_seed(0)

# The layers are torch.nn's, for complex tensors: the same arguments, attributes and state_dict.
net = torch.nn.Sequential(
    complexnn.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
    complexnn.ModReLU(8),
    complexnn.MaxPool2d(2),
)
z = torch.randn(16, 1, 8, 8, dtype=torch.complex64)
print(net(z).shape, net(z).dtype)

# What is true of a module can be asserted of yours: this network turns with its input, f(e^ja z) = e^ja f(z).
assert_equivariant(net, z, group="phase")

# Whitening batch normalisation makes any signal circular: mean 0, power 1, parts of equal power and uncorrelated.
skewed = 100 * torch.complex(z.real, 0.9 * z.real + 0.1 * z.imag) + 5
white = complexnn.BatchNorm2d(1)(skewed)
print(f"power {white.abs().square().mean():.2f}, pseudo-power {(white * white).mean().abs():.2f}")

# Gradients are torch's, so that every loss, optimiser and scheduler works. Learn an unknown unitary channel:
channel = torch.linalg.qr(torch.randn(4, 4, dtype=torch.complex64)).Q
layer = complexnn.Linear(4, 4, bias=False)
optimiser = torch.optim.Adam(layer.parameters(), lr=0.05)
for _ in range(200):
    sent = torch.randn(64, 4, dtype=torch.complex64)
    loss = complexnn.MSELoss()(layer(sent), sent @ channel.T)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"largest error of a weight: {(layer.weight - channel).abs().max():.0e}")
