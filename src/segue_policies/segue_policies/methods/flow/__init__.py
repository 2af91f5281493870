"""Flow policies: one network and loop; legato, flow, training_time_rtc, one_shot and vlash learn and answer in it."""
