"""Trains the small network of the example `from_pytorch` a little, with PyTorch, and
writes it down for wengert to take up.

    pip install torch safetensors numpy
    python examples/from_pytorch/train.py          # writes cnn.safetensors and logits.safetensors beside this file
    python examples/from_pytorch/train.py FILE     # instead, what a file with these weights answers

The first writes the same numbers whenever it runs (on one machine; PyTorch promises no
more). The second reads what the example saves: weights go both ways.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent.parent / "crates" / "data" / "assets"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def digits():
    """The 1,797 digits that wengert has within it; every fifth is kept for testing."""
    pixels = np.fromfile(DIGITS / "digits-images-idx3-ubyte", np.uint8)[16:]
    labels = np.fromfile(DIGITS / "digits-labels-idx1-ubyte", np.uint8)[8:]
    images = torch.from_numpy(pixels.reshape(-1, 1, 8, 8)).float() / 16
    labels = torch.from_numpy(labels).long()
    test = torch.arange(len(labels)) % 5 == 0
    return images[~test], labels[~test], images[test], labels[test]


def accuracy(net, images, labels):
    with torch.no_grad():
        logits = net.eval()(images)
    return logits, 100 * (logits.argmax(1) == labels).float().mean().item()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels, test_images, test_labels = digits()
    net = Net()
    if len(sys.argv) > 1:
        net.load_state_dict(load_file(sys.argv[1]))
        print(f"test accuracy in PyTorch: {accuracy(net, test_images, test_labels)[1]:.2f}%")
        return

    # One epoch: there is something left to learn.
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for batch in torch.randperm(len(labels)).split(32):
        optimizer.zero_grad()
        F.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    logits, percent = accuracy(net, test_images, test_labels)
    print(f"test accuracy after one epoch: {percent:.2f}%")

    # One entry: safetensors writes several in an order that changes.
    note = {"made_by": f"examples/from_pytorch/train.py with PyTorch {torch.__version__.split('+')[0]}"}
    save_file(net.state_dict(), HERE / "cnn.safetensors", metadata=note)
    save_file({"logits": logits}, HERE / "logits.safetensors")


main()
