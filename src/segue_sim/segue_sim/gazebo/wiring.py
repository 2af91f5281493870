"""What connects Gazebo with the graph: bridged topics, ros2_control's controllers, and the hardware node's settings."""

from typing import Any

from segue_core.contracts.robot import RobotConfig
from segue_sim.gazebo.cameras import image_topic, info_topic

STATES = "/joint_state_broadcaster/joint_states"  # /joint_states is the hardware node's
ARMS = "arm_controller"
CLOCK, EVERY_STEP = "/clock", "/gazebo_clock"  # Gazebo tells the time at every physics step


def gripper_controller(gripper: str) -> str:
    """The controller of a gripper's first finger; the others mimic it."""
    return f"{gripper}_controller"


def controller_names(robot: RobotConfig) -> list[str]:
    """All controllers, in the order in which they are started."""
    grippers = [gripper_controller(name) for name in robot.gripper_names]
    return ["joint_state_broadcaster", ARMS, *grippers]


def steps_per_clock(robot: RobotConfig) -> int:
    """Physics steps for each message on /clock: as the simulator, it has one per controller update.

    Nothing in the graph has a faster timer, and every node pays for every message: at 480 Hz that is a core.
    """
    return max(1, round(1.0 / (robot.control_rate_hz * robot.physics_step_s)))


def bridge(robot: RobotConfig) -> list[dict[str, Any]]:
    """`ros_gz_bridge`'s configuration: the clock, and pictures and calibration of every camera."""
    clock = EVERY_STEP if steps_per_clock(robot) > 1 else CLOCK
    entries = [_from_gazebo(CLOCK, "rosgraph_msgs/msg/Clock", "gz.msgs.Clock") | {"ros_topic_name": clock}]
    for camera in robot.cameras:
        entries.append(_from_gazebo(image_topic(camera), "sensor_msgs/msg/Image", "gz.msgs.Image"))
        entries.append(_from_gazebo(info_topic(camera), "sensor_msgs/msg/CameraInfo", "gz.msgs.CameraInfo"))
    return entries


def _from_gazebo(topic: str, ros_type: str, gz_type: str) -> dict[str, Any]:
    return {
        "ros_topic_name": topic,
        "gz_topic_name": topic,
        "ros_type_name": ros_type,
        "gz_type_name": gz_type,
        "direction": "GZ_TO_ROS",
    }


def controllers(robot: RobotConfig) -> dict[str, Any]:
    """Parameters of the controller manager and its controllers."""
    forward = "forward_command_controller/ForwardCommandController"
    manager: dict[str, Any] = {
        "update_rate": round(robot.control_rate_hz),
        "joint_state_broadcaster": {"type": "joint_state_broadcaster/JointStateBroadcaster"},
        ARMS: {"type": "joint_trajectory_controller/JointTrajectoryController"},
    }
    parameters: dict[str, Any] = {
        "joint_state_broadcaster": _parameters({"use_local_topics": True}),
        ARMS: _parameters(
            {
                "joints": list(robot.joint_names),
                "command_interfaces": ["position"],
                "state_interfaces": ["position", "velocity"],
                "allow_partial_joints_goal": False,
                "interpolate_from_desired_state": True,  # else commands jump back by what the arm lags
                "allow_trajectory_replacement": False,
            }
        ),
    }
    for arm, gripper in zip(robot.arms, robot.gripper_names, strict=True):
        name, finger = gripper_controller(gripper), f"{arm.name}_{arm.gripper.finger_joints[0]}"
        manager[name] = {"type": forward}
        parameters[name] = _parameters({"joints": [finger], "interface_name": "position"})
    return {"controller_manager": _parameters(manager), **parameters}


def _parameters(values: dict[str, Any]) -> dict[str, Any]:
    return {"ros__parameters": values}


def hardware(robot: RobotConfig) -> dict[str, Any]:
    """Settings of the hardware node, which speaks to Gazebo as to any robot under ros2_control."""
    grippers = {}
    for arm, gripper in zip(robot.arms, robot.gripper_names, strict=True):
        grippers[gripper] = {
            "joint": f"{arm.name}_{arm.gripper.finger_joints[0]}",
            "closed": arm.gripper.closed[0],
            "open": arm.gripper.opened[0],
            "command": {"kind": "array", "topic": f"/{gripper_controller(gripper)}/commands"},
        }
    return {
        "backend": "ros2_control",
        "description": f"{robot.name} in Gazebo, behind gz_ros2_control",
        "connect_timeout_s": 60.0,
        "options": {
            "states": [{"topic": STATES}],
            "grippers": grippers,
            "commands": [{"kind": "joint_trajectory", "topic": f"/{ARMS}/joint_trajectory"}],
        },
    }
