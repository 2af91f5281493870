"""Every failure that has a number: what it means, and what to do next. docs/exit-codes.md has the same as a table."""

from enum import IntEnum


class ErrorCode(IntEnum):
    """Every failure that crosses a module or a ROS interface; `0` is success.

    Args:
        number: what goes over the wire.
        meaning: what is wrong, without the particulars.
        next_step: what a person does about it, where the error itself does not say something better.
    """

    _value_: int
    meaning: str
    next_step: str

    def __new__(cls, number: int, meaning: str = "", next_step: str = "") -> "ErrorCode":
        """Only the number is the value, so that a number from the wire finds its code: `ErrorCode(201)`."""
        code = int.__new__(cls, number)
        code._value_, code.meaning, code.next_step = number, meaning, next_step
        return code

    OK = 0, "success"

    SCHEDULER_INFEASIBLE = (
        101,
        "delay d, stride s and ramp r do not fit the horizon H",
        "take a smaller delay, stride or ramp, or a policy with a longer horizon",
    )
    SCHEDULER_CAPABILITY = (
        102,
        "the policy cannot serve the continuation",
        "take a continuation that this policy serves (continuation:=NAME), or another policy",
    )
    SCHEDULER_POLICY_MISMATCH = (
        103,
        "horizon, action space or rate are not the policy's",
        "load the checkpoint that was made for this robot and task, and restart the policy node",
    )
    CHUNK_NOT_FINITE = (
        104,
        "a chunk, or rows of one, have NaN or infinite values",
        "try the checkpoint in lockstep (./segue eval --seeds 0:3); if it fails there too, take another one",
    )
    CHUNK_WRONG_SHAPE = (
        105,
        "a chunk, or rows of one, have another shape than the action space and the horizon ask for",
        "make the policy answer with rows of the robot's action space, as many as its PolicyInfo says",
    )
    CHUNK_WRONG_START = (
        106,
        "a chunk answers for another tick than the one asked",
        "make the policy copy start_tick from the request into its answer",
    )
    SCHEDULER_BAD_INPUT = (
        107,
        "the scheduler cannot work with what it was given, such as a measured state of the wrong width",
        "look at segue/observation and into the log of the scheduler",
    )
    SCHEDULER_TICK_ORDER = (
        108,
        "a tick came twice, went backwards or leapt ahead",
        "start a new run: the clock was set, or two senders give the time",
    )
    SCHEDULER_STARVED = (
        109,
        "no action was left for too many ticks",
        "let the scheduler ask earlier (a smaller stride, a larger delay), or make the policy faster",
    )
    SCHEDULER_BAD_CHUNKS = (
        110,
        "too many refused chunks in a row",
        "mend the policy: the text says why its last chunk was refused",
    )
    SCHEDULER_REQUESTS_FAILED = (
        111,
        "too many failed or unanswered requests in a row",
        "look into the log of the policy node, and start it again if it hangs",
    )
    TASK_BUSY = (112, "another task is running", "wait for its end, or cancel it, then send the goal again")
    TASK_CANCELLED = (113, "the run was ended from outside", "activate the scheduler and send the goal again")
    TASK_LEASE_EXPIRED = (
        114,
        "the client of the running goal is gone",
        "send the goal again from a client that lives until the result and renews segue/lease",
    )

    POLICY_NOT_READY = (
        201,
        "no policy answers, or it is not ready",
        "start the policy, wait until it says that it is ready, and look into its log if it does not",
    )
    POLICY_OBSERVATION_MISSING = (
        202,
        "an observation, a picture or a state of the simulator is not there for the tick asked",
        "see that segue/observation comes at every tick and has all cameras of the policy",
    )
    POLICY_BUSY = (203, "the policy is answering another request", "wait for that answer, then ask again")
    POLICY_FAILED = (
        204,
        "the policy raised an error or answered what it must not",
        "look into its log; ./segue eval --seeds 0:1 shows whether the checkpoint is at fault",
    )
    POLICY_OUT_OF_MEMORY = (
        205,
        "no memory for an inference",
        "end what else takes the memory, or run the policy on a larger machine (docs/two-machines.md)",
    )
    POLICY_TIMEOUT = (
        206,
        "a policy's server gave no answer in time",
        "see whether it lives and how long a chunk takes (./segue bench policy), then start it again",
    )
    POLICY_BAD_REQUEST = (
        207,
        "a request does not fit the policy",
        "ask with the rows, width, pictures and options that the policy's PolicyInfo names",
    )
    POLICY_UNSUPPORTED_SAMPLING = (
        208,
        "the policy has no such sampling",
        "take a continuation whose sampling this policy has (continuation:=NAME)",
    )
    POLICY_NOT_FINITE = (
        209,
        "the policy's network answered NaN or infinite values",
        "take another checkpoint, or train this one again",
    )
    CHECKPOINT_MISSING = (
        210,
        "a checkpoint, or a file of one, is not there",
        "give the folder of a checkpoint (checkpoint:=FOLDER), or train one (./segue help train)",
    )
    CHECKPOINT_CORRUPT = (
        211,
        "a checkpoint cannot be read, or its files contradict each other",
        "copy it again from where it was made, or train it again",
    )
    CHECKPOINT_MISMATCH = (
        212,
        "a checkpoint is for another action space, horizon, network or number of denoising steps",
        "take the checkpoint that was made for this, or set what the text names to the checkpoint's value",
    )
    TRAINING_FAILED = (
        213,
        "a training cannot start, go on or learn",
        "change what the text names and train again; --resume goes on where a training stopped",
    )
    POLICY_GONE = (
        214,
        "the policy's process died, or was started anew, in the middle of a run",
        "see its log (logs/policy.log), start it again and send the goal again",
    )
    POLICY_CANCELLED = (
        215,
        "an answer was given up while it was being decoded",
        "nothing, where a newer request took its place or the run was over; otherwise ask again",
    )
    POLICY_IMPLAUSIBLE = (
        216,
        "a policy's answer is finite and cannot be meant, such as a goal outside the workspace",
        "see that the scene is what it was trained on; if it is, train it longer or on more demonstrations",
    )

    CONTROL_NOT_FINITE = (
        301,
        "a command, target or pose has NaN or infinite values",
        "mend whoever sent it; a guard that stopped the robot for it is freed with segue/recover",
    )
    CONTROL_WRONG_SHAPE = (
        302,
        "a command, pose or trajectory has other joints, width or points than the robot",
        "send what the text expects; joints and action space are in the robot's contract (config/robots)",
    )
    CONTROL_LIMIT = (
        303,
        "a joint, speed or pose is outside its limits",
        "stay inside what the text allows; the limits are in the robot's contract (config/robots)",
    )
    CONTROL_COMMAND_STALE = (
        305,
        "commands are too old, or have stopped",
        "see why their sender fell silent (its log, /diagnostics); segue/recover if it is latched, then arm again",
    )
    CONTROL_STATE_STALE = (
        306,
        "joint states are missing, bad or too old",
        "see that the robot's driver publishes joint_states; segue/recover if it is latched, then arm again",
    )
    CONTROL_EMERGENCY_STOP = (
        307,
        "a person stopped the robot",
        "look at the robot; when nothing is in danger call segue/recover, then arm again",
    )
    CONTROL_NOT_ARMED = (
        308,
        "the robot may not move: it is not armed, or not any more",
        "wait until it rests, call segue/recover if a fault is latched, then segue/arm",
    )
    CONTROL_OVERRUN = (
        310,
        "a control cycle was late, or of another length",
        "see what takes the cores (top -o %CPU); docs/control.md gives the controllers priority",
    )
    CONTROL_FOREIGN_COMMAND = (
        311,
        "somebody else commands the robot",
        "wait for the other sender or end it, so that one commands; ros2 topic info -v TOPIC lists them",
    )
    CONTROL_HARDWARE = (
        312,
        "the robot is not there, reports an error or does not follow",
        "look at the robot and into its driver's log; docs/hardware.md says what must run",
    )
    CONTROL_COLLISION = (
        313,
        "a planned move, or one of its ends, would touch something",
        "move what is in the way, or choose another pose or planner (docs/planned-moves.md)",
    )

    DATA_RECORDING_ACTIVE = (
        401,
        "a recording is open already",
        "wait for its end, or close it with segue/record/stop",
    )
    DATA_NOT_RECORDING = (
        402,
        "no recording is open, or none could be begun",
        "begin one with segue/record/start; the log of the recorder says why it did not",
    )
    DATA_DISK = (
        403,
        "the disk refuses: full, read-only or gone",
        "make room, or choose a folder that can be written",
    )
    DATA_BAG_CORRUPT = (
        404,
        "bytes of a recording cannot be read as what they should be",
        "./segue data check FOLDER lists the damage, ./segue data repair FOLDER saves what can be read",
    )
    DATA_BAG_INCOMPLETE = (
        405,
        "something that a recording must have is not in it",
        "./segue data check FOLDER lists what is missing; repair it (./segue data repair) or record it again",
    )
    DATA_DATASET_INVALID = (
        406,
        "a dataset, or the rows of an evaluation, contradict each other or their format",
        "mend what is named, or make it again from its recordings; ./segue data check FOLDER lists all, once adopted",
    )
    DATA_CONVERSION = (
        407,
        "a recording cannot be turned into control ticks, demonstrations or a report",
        "./segue data check FOLDER lists what is at fault; leave that out or record it again",
    )
    DATA_PATH_REFUSED = (408, "a name or folder is taken, or not allowed", "choose another name or folder")

    FRAME_MISSING = (
        501,
        "a camera is not there, or sends nothing that can be used",
        "see that the camera is connected and its driver publishes (docs/hardware.md)",
    )
    FRAME_STALE = (
        502,
        "a camera has stopped sending",
        "check its cable and its driver's log; pictures are taken again as soon as they come",
    )
    FRAME_FROZEN = (503, "a camera repeats one picture", "start the camera or its driver again")
    FRAME_CORRUPT = (
        504,
        "a picture and what is said about it disagree",
        "set the driver to the size and encoding of the robot's contract and config/cameras",
    )
    FRAME_SKEWED = (
        505,
        "pictures or joint states are of another time than the tick",
        "let camera, robot and Segue share one clock, stamped at the exposure; a simulation: close what else runs",
    )
    FRAME_ENCODING = (
        506,
        "an encoding that cannot be read",
        "set the driver to an encoding that the text allows",
    )
    STATE_MISSING = (
        507,
        "joint states or observations are missing, or have stopped",
        "see that the robot's driver publishes joint_states with all joints, and that perception runs",
    )
    STATE_CORRUPT = (
        508,
        "joint states are not one finite number per joint",
        "mend the publisher of joint_states: one finite position for each name",
    )

    CONFIG_UNKNOWN_NAME = (601, "a name that does not exist", "take one of the names that the text allows")
    CONFIG_UNKNOWN_KEY = (
        602,
        "a key that the configuration does not have",
        "correct its spelling, or leave it out",
    )
    CONFIG_INVALID_VALUE = (603, "a value that is not allowed", "give a value that the text allows")
    CONFIG_UNREADABLE = (
        604,
        "a file or device that cannot be read as what it should be",
        "see that it is there, may be read, and has the content that the text names",
    )
    CONFIG_CONFLICT = (
        605,
        "two settings that do not go together",
        "change one of the two that the text names",
    )
    ENVIRONMENT_INCOMPLETE = (
        606,
        "something is not installed, not built, or not there on this machine",
        "./segue doctor says what is there and what is missing",
    )
    PROCESS_FAILED = (
        607,
        "a process ended, or does not answer",
        "look into its log; ./segue doctor if it never started",
    )
    ADDRESS_IN_USE = (
        608,
        "ROS domain, node name or port are in use by another graph",
        "stop the other one, or choose another ROS_DOMAIN_ID or namespace:=NAME",
    )
    SIMULATION_FAILED = (
        609,
        "a robot or its world cannot be simulated in Gazebo",
        "change what the text names in the model, or simulate with sim:=mujoco",
    )
