"""PyTorch's side of the paired benchmark.

    torch_side.py --threads 1 --only W3/L7
    torch_side.py --threads 2 --layout channels_last --json

The cases are those of `workloads/`, under the same names, timed in the same way
(`support/budget.rs`), and printed as the same lines of JSON. PyTorch can be run
in several ways; which one is fastest differs from case to case, so the driver
tries them all and holds us against the best:

- `eager`: what a tutorial does, tensors in NCHW.
- `channels_last`: model and images in NHWC, which oneDNN prefers.
- `+fused`: SGD with one fused kernel instead of a loop over operations.
- `+kept`: the allocator keeps freed memory. That is decided by variables of the
  environment before the process starts, so the driver does it and adds the word.
"""

import argparse
import gc
import json
import os
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# Batch, channels, height and width of the input; channels of the output;
# kernel, stride, padding, groups.
LAYERS = {
    "L1": (32, 1, 28, 28, 6, 5, 1, 2, 1),
    "L2": (32, 16, 28, 28, 32, 3, 1, 1, 1),
    "L3": (32, 32, 32, 32, 32, 3, 1, 1, 1),
    "L4": (32, 64, 16, 16, 64, 3, 1, 1, 1),
    "L5": (16, 128, 16, 16, 128, 3, 1, 1, 1),
    "L6": (32, 64, 32, 32, 64, 1, 1, 0, 1),
    "L7": (8, 64, 56, 56, 64, 3, 1, 1, 1),
    "L8": (8, 64, 56, 56, 128, 3, 2, 1, 1),
    "L9": (32, 32, 32, 32, 32, 3, 1, 1, 32),
    "L10": (32, 6, 14, 14, 16, 5, 1, 0, 1),
}
POOLS = {
    "max2": lambda x: F.max_pool2d(x, 2),
    "max3s2p1": lambda x: F.max_pool2d(x, 3, 2, 1),
    "avg2": lambda x: F.avg_pool2d(x, 2),
}
POOLED = [(32, 32, 32, 32), (8, 64, 56, 56)]
LINKS = 50
RATE = 1e-6  # so small that the model stays where it is


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def small_vgg():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def sgd(model, fused):
    return torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9, fused=fused)


def edge_step(fused):
    """W0: the edge detector of the tutorial, without a bias."""
    image = torch.ones(1, 1, 6, 8)
    image[..., 2:6] = 0
    edges = F.conv2d(image, torch.tensor([[[[1.0, -1.0]]]]))
    conv = nn.Conv2d(1, 1, (1, 2), bias=False)
    optimizer = sgd(conv, fused)

    def step():
        optimizer.zero_grad()
        F.mse_loss(conv(image), edges, reduction="sum").backward()
        optimizer.step()

    return step


def chain():
    """W0: operations on one number each."""
    one = torch.ones(1)

    def run():
        y = x = torch.ones(1, requires_grad=True)
        for _ in range(LINKS):
            y = y * one + one
        y.sum().backward()
        return x.grad

    return run


def training_step(model, image, batch, layout, fused, scale=None):
    """W1, W2: forward, cross-entropy, backward, SGD with momentum."""
    model = model().to(memory_format=layout)
    x = torch.randn(batch, *image).to(memory_format=layout)
    labels = torch.arange(batch) * 7 % 10
    optimizer = sgd(model, fused)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        (loss if scale is None else loss * scale).backward()
        optimizer.step()

    return step


def layer(shape, layout, product, scale=1.0):
    """W3: one of the three products of a convolution."""
    n, c, h, w, out, k, stride, padding, groups = shape
    x = (torch.randn(n, c, h, w) * scale).to(memory_format=layout)
    weight = torch.randn(out, c // groups, k, k).to(memory_format=layout)
    if product == "forward":
        return lambda: F.conv2d(x, weight, None, stride, padding, 1, groups)
    gradient = torch.randn_like(F.conv2d(x, weight, None, stride, padding, 1, groups))
    wanted = [product == "input", product == "weight", False]
    return lambda: torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups, wanted
    )


def pool(apply, shape, layout, both):
    """W4: a pool forward, or forward and backward from a given gradient."""
    x = torch.randn(shape).to(memory_format=layout)
    if not both:
        return without_gradients(lambda: apply(x))
    x.requires_grad_()
    gradient = torch.randn_like(apply(x).detach())

    def run():
        x.grad = None
        apply(x).backward(gradient)

    return run


def without_gradients(run):
    def wrapped():
        with torch.no_grad():
            return run()

    return wrapped


def cases(layout_name, smoke):
    """All cases: name, what to add to the variant, and what makes the closure that is timed."""
    layout = torch.channels_last if layout_name == "channels_last" else torch.contiguous_format
    size = (lambda n: 1) if smoke else (lambda n: n)
    fusions = [(True, "+fused")] if layout_name == "channels_last" else [(False, ""), (True, "+fused")]
    if layout_name == "eager":
        for fused, word in fusions:
            yield "W0/step", word, lambda fused=fused: edge_step(fused)
        yield "W0/overhead", "", chain
    for family, model, image, batches in [
        ("W1", lenet, (1, 28, 28), [1, 32, 64, 256]),
        ("W2", small_vgg, (3, 32, 32), [32, 128]),
    ]:
        for n in batches:
            for fused, word in fusions:
                yield f"{family}/b{n}", word, lambda a=(model, image, size(n), layout, fused): training_step(*a)
    yield "W1/b64/denormal", "+fused", lambda: training_step(lenet, (1, 28, 28), size(64), layout, True, 1e-38)
    for name, (n, *rest) in LAYERS.items():
        shape = (size(n), *rest)
        for product in ["forward", "input", "weight"]:
            yield f"W3/{name}/{product}", "", lambda a=(shape, layout, product): without_gradients(layer(*a))
        if name == "L3":
            args = (shape, layout, "forward", 1e-40)
            yield "W3/L3/forward/denormal", "", lambda a=args: without_gradients(layer(*a))
    for name, apply in POOLS.items():
        for n, c, h, w in POOLED:
            for both in [False, True]:
                case = f"W4/{name}/{n}x{c}x{h}x{w}/{'both' if both else 'forward'}"
                yield case, "", lambda a=(apply, (size(n), c, h, w), layout, both): pool(*a)


def timed(run, budget_ms, smoke):
    """The median of the durations of `run` in nanoseconds, and of how many: see `support/budget.rs`."""
    clock = time.perf_counter_ns
    most, budget = (1, 0) if smoke else (200, budget_ms * 1e6)
    if not smoke:
        start, runs = clock(), 0
        while runs < 2 or clock() - start < budget / 5:
            run()
            runs += 1
    samples, start = [], clock()
    while len(samples) < min(3, most) or (len(samples) < most and clock() - start < budget):
        begin = clock()
        run()
        samples.append(clock() - begin)
    samples.sort()
    n = len(samples)
    return 0.5 * (samples[n // 2] + samples[(n - 1) // 2]), n


def peak_kib():
    """The most memory that this process has had."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def footprint(what):
    """W5: what a process needs as a whole: case, value, unit."""
    model, image, batch = (small_vgg, (3, 32, 32), 128) if what == "W2-b128" else (lenet, (1, 28, 28), 64)
    step = training_step(model, image, batch, torch.contiguous_format, False)
    if what == "first-step":
        step()
        return "W5/first-step", time.time_ns() - int(os.environ["WENGERT_BENCH_STARTED"]), "ns"
    for _ in range(10):
        step()
    return f"W5/peak/{what}", peak_kib(), "kib"


def main():
    parser = argparse.ArgumentParser(description="Measure PyTorch's side of the benchmark")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layout", choices=["eager", "channels_last"], default="eager")
    parser.add_argument("--only", default="", help="parts of names: W3, L7, W3/L7, forward; comma-separated")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--budget-ms", type=float, default=300)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--footprint", choices=["W1-b64", "W2-b128", "first-step"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    def report(case, word, value, unit, runs):
        variant = options.layout + word
        if options.json or options.footprint:
            line = json.dumps(dict(case=case, variant=variant, value=value, unit=unit, runs=runs))
        else:
            line = f"{case:45} {variant:20} {value / 1e3:12.3f} µs"
        print(line, flush=True)

    if options.footprint:
        case, value, unit = footprint(options.footprint)
        report(case, "", value, unit, 1)
        return
    gc.disable()
    patterns = [f"/{part}/" for part in options.only.split(",") if part]
    for case, word, start in cases(options.layout, options.smoke):
        if not patterns or any(pattern in f"/{case}/" for pattern in patterns):
            ns, runs = timed(start(), options.budget_ms, options.smoke)
            report(case, word, ns, "ns", runs)
            gc.collect()


if __name__ == "__main__":
    main()
