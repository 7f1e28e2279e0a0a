"""The calibration counts the processor's time, which other work on the machine does not change."""

import threading

import pytest

from netlens.review.calibration import Calibration, calibrate


@pytest.mark.slow
def test_a_busy_machine_does_not_look_slow():
    quiet = calibrate()
    stop = threading.Event()

    def work():
        # Holds the interpreter's lock half of the time.
        while not stop.is_set():
            sum(range(1000))

    other = threading.Thread(target=work, daemon=True)
    other.start()
    try:
        busy = calibrate()
    finally:
        stop.set()
        other.join()
    assert 0 < quiet.processor_s <= quiet.elapsed_s * 1.1
    assert busy.processor_s < 1.5 * quiet.processor_s
    assert busy.slowdown > 1.2


@pytest.mark.parametrize(("processor_s", "elapsed_s", "slowdown"), [(0.1, 0.4, 4.0), (0.1, 0.1, 1.0), (0.1, 0.09, 1.0)])
def test_the_slowdown_is_never_below_one(processor_s, elapsed_s, slowdown):
    assert Calibration(processor_s, elapsed_s).slowdown == pytest.approx(slowdown)
