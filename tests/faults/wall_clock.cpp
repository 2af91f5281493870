// Moves the wall clock of the processes that preload it, and no other clock: by the nanoseconds in the file that
// SEGUE_TESTED_WALL_CLOCK names, which they share. Whoever waits until a wall time looks every 20 ms, as if the kernel
// had moved the clock.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

constexpr int64_t kSecond = 1'000'000'000, kLook = 20'000'000;
constexpr time_t kOfAWallClock = 1'000'000'000;  // the steady clock shows less

int64_t offset() {
  static const std::atomic<int64_t>* const shared = [] {
    const char* name = std::getenv("SEGUE_TESTED_WALL_CLOCK");
    const int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void* at = file < 0 ? MAP_FAILED : mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) std::abort();
    close(file);
    return static_cast<const std::atomic<int64_t>*>(at);
  }();
  return shared->load();
}

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

timespec from(int64_t time) {
  const int64_t rest = ((time % kSecond) + kSecond) % kSecond;
  return {static_cast<time_t>((time - rest) / kSecond), static_cast<long>(rest)};
}

int64_t untouched(clockid_t clock) {
  timespec time;
  syscall(SYS_clock_gettime, clock, &time);
  return nanoseconds(time);
}

int64_t wall() { return untouched(CLOCK_REALTIME) + offset(); }

timespec next_look(int64_t until) {
  const int64_t left = std::max<int64_t>(0, std::min(kLook, until - wall()));
  return from(untouched(CLOCK_REALTIME) + left);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int answer = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = from(nanoseconds(*time) + offset());
  }
  return answer;
}

int gettimeofday(timeval* time, void*) noexcept {
  const timespec now = from(wall());
  *time = {now.tv_sec, static_cast<suseconds_t>(now.tv_nsec / 1000)};
  return 0;
}

time_t time(time_t* time) noexcept {
  const time_t now = from(wall()).tv_sec;
  if (time) *time = now;
  return now;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  if (until->tv_sec < kOfAWallClock) return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
  const timespec look = next_look(nanoseconds(*until));
  const int answer = pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &look);
  return answer == ETIMEDOUT && wall() < nanoseconds(*until) ? 0 : answer;  // 0 is a spurious wake-up
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
  for (;;) {
    const timespec look = next_look(nanoseconds(*until));
    const int answer = sem_clockwait(semaphore, CLOCK_REALTIME, &look);
    if (answer == 0 || errno != ETIMEDOUT || wall() >= nanoseconds(*until)) return answer;
  }
}

}  // extern "C"
