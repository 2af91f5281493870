// settle STEP_S SECONDS FILE ... [hold:JOINT=POSITION | start:JOINT=POSITION | push:JOINT=SPEED ...]
//
// Steps a world (.sdf) and the models of further files (.urdf) in Gazebo's own physics: gz-physics of Fortress with DART,
// without the rest of Gazebo. Prints where everything is then: `joint MODEL JOINT POSITION` and
// `link MODEL LINK X Y Z QW QX QY QZ` [m, rad]. Joints start where told, some with a speed; those that are held are held by
// velocity servos, as gz_ros2_control holds them. Meshes are attached, as Gazebo attaches them.

#include <chrono>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <ignition/common/MeshManager.hh>
#include <ignition/math/eigen3/Conversions.hh>
#include <ignition/physics/ForwardStep.hh>
#include <ignition/physics/FrameSemantics.hh>
#include <ignition/physics/GetEntities.hh>
#include <ignition/physics/Joint.hh>
#include <ignition/physics/RequestEngine.hh>
#include <ignition/physics/mesh/MeshShape.hh>
#include <ignition/physics/sdf/ConstructModel.hh>
#include <ignition/physics/sdf/ConstructWorld.hh>
#include <ignition/plugin/Loader.hh>
#include <sdf/sdf.hh>

namespace physics = ignition::physics;

struct Features : physics::FeatureList<
  physics::ForwardStep, physics::GetEntities, physics::LinkFrameSemantics, physics::GetBasicJointState, physics::GetBasicJointProperties,
  physics::SetBasicJointState, physics::SetJointVelocityCommandFeature, physics::mesh::AttachMeshShapeFeature,
  physics::sdf::ConstructSdfModel, physics::sdf::ConstructSdfWorld> {};

using WorldPtr = physics::World3dPtr<Features>;
using ModelPtr = physics::Model3dPtr<Features>;
using JointPtr = physics::Joint3dPtr<Features>;

// gz_ros2_control: a tenth of the error per controller period, here 100 Hz.
constexpr double kHoldPerSecond = 10.0;

struct Wish { std::string verb, joint; double value; };
struct Held { JointPtr joint; double at; };

[[noreturn]] void Fail(const std::string &_why)
{
  std::cerr << "settle: " << _why << std::endl;
  std::exit(1);
}

void Read(sdf::Root &_root, const std::string &_path)
{
  const auto errors = _root.Load(_path);
  for (const auto &error : errors)
    std::cerr << error << std::endl;
  if (!errors.empty())
    Fail(_path + " is not valid");
}

// Gazebo itself attaches meshes, and so does this.
void AttachMeshes(const sdf::Model &_sdf, ModelPtr _model)
{
  for (std::uint64_t i = 0; i < _sdf.LinkCount(); ++i)
  {
    const auto *link = _sdf.LinkByIndex(i);
    for (std::uint64_t j = 0; j < link->CollisionCount(); ++j)
    {
      const auto *collision = link->CollisionByIndex(j);
      const auto *shape = collision->Geom()->MeshShape();
      if (shape == nullptr)
        continue;
      auto path = shape->Uri().substr(shape->Uri().rfind("file://", 0) == 0 ? 7 : 0);
      const auto *mesh = ignition::common::MeshManager::Instance()->Load(path);
      if (mesh == nullptr)
        Fail("cannot read mesh " + path);
      ignition::math::Pose3d pose;
      if (!collision->SemanticPose().Resolve(pose, link->Name()).empty())
        Fail("no pose of collision " + collision->Name());
      _model->GetLink(link->Name())->AttachMeshShape(collision->Name(), *mesh,
        ignition::math::eigen3::convert(pose), ignition::math::eigen3::convert(shape->Scale()));
    }
  }
}

WorldPtr MakeWorld(const std::vector<std::string> &_files)
{
  static ignition::plugin::Loader loader;
  loader.LoadLib(DARTSIM);
  auto engine = physics::RequestEngine3d<Features>::From(loader.Instantiate("ignition::physics::dartsim::Plugin"));
  if (!engine)
    Fail("no physics engine in " DARTSIM);
  sdf::Root root;
  Read(root, _files.at(0));
  const auto *sdf = root.WorldByIndex(0);
  auto world = engine->ConstructWorld(*sdf);
  for (std::uint64_t i = 0; i < sdf->ModelCount(); ++i)
    AttachMeshes(*sdf->ModelByIndex(i), world->GetModel(sdf->ModelByIndex(i)->Name()));
  for (std::size_t i = 1; i < _files.size(); ++i)
  {
    sdf::Root more;
    Read(more, _files[i]);
    auto model = world->ConstructModel(*more.Model());
    if (!model)
      Fail("no model in " + _files[i]);
    AttachMeshes(*more.Model(), model);
  }
  return world;
}

JointPtr Find(WorldPtr _world, const std::string &_name)
{
  for (std::size_t i = 0; i < _world->GetModelCount(); ++i)
    if (auto joint = _world->GetModel(i)->GetJoint(_name))
      return joint;
  Fail("no joint " + _name);
}

std::vector<Held> Arrange(WorldPtr _world, const std::vector<Wish> &_wishes)
{
  std::vector<Held> held;
  for (const auto &wish : _wishes)
  {
    auto joint = Find(_world, wish.joint);
    if (wish.verb == "push")
      joint->SetVelocity(0, wish.value);
    else
      joint->SetPosition(0, wish.value);
    if (wish.verb == "hold")
      held.push_back({joint, wish.value});
  }
  return held;
}

void Step(WorldPtr _world, const std::vector<Held> &_held, double _step, double _seconds)
{
  physics::ForwardStep::Input input;
  physics::ForwardStep::State state;
  physics::ForwardStep::Output output;
  input.Get<std::chrono::steady_clock::duration>() =
    std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(_step));
  for (long i = 0; i < std::lround(_seconds / _step); ++i)
  {
    for (const auto &[joint, at] : _held)
      joint->SetVelocityCommand(0, kHoldPerSecond * (at - joint->GetPosition(0)));
    _world->Step(output, state, input);
  }
}

void Report(WorldPtr _world)
{
  for (std::size_t i = 0; i < _world->GetModelCount(); ++i)
  {
    auto model = _world->GetModel(i);
    for (std::size_t j = 0; j < model->GetJointCount(); ++j)
    {
      auto joint = model->GetJoint(j);
      if (joint->GetDegreesOfFreedom() == 1)
        std::cout << "joint " << model->GetName() << " " << joint->GetName() << " " << joint->GetPosition(0) << "\n";
    }
    for (std::size_t j = 0; j < model->GetLinkCount(); ++j)
    {
      auto link = model->GetLink(j);
      const auto pose = link->FrameDataRelativeToWorld().pose;
      const auto p = pose.translation();
      const Eigen::Quaterniond q(pose.linear());
      std::cout << "link " << model->GetName() << " " << link->GetName() << " " << p.x() << " " << p.y() << " "
                << p.z() << " " << q.w() << " " << q.x() << " " << q.y() << " " << q.z() << "\n";
    }
  }
}

int main(int _argc, char **_argv)
{
  if (_argc < 4)
    Fail("usage: settle STEP_S SECONDS FILE ... [hold:JOINT=POSITION | start:JOINT=POSITION | push:JOINT=SPEED ...]");
  std::vector<std::string> files;
  std::vector<Wish> wishes;
  for (int i = 3; i < _argc; ++i)
  {
    const std::string word = _argv[i];
    const auto colon = word.find(':'), equals = word.find('=');
    if (equals == std::string::npos)
      files.push_back(word);
    else
      wishes.push_back({word.substr(0, colon), word.substr(colon + 1, equals - colon - 1),
        std::stod(word.substr(equals + 1))});
  }
  auto world = MakeWorld(files);
  const auto held = Arrange(world, wishes);
  Step(world, held, std::stod(_argv[1]), std::stod(_argv[2]));
  std::cout.precision(9);
  Report(world);
}
