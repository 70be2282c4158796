// SIGINT, SIGTERM and SIGHUP wait while a file of ours stands half written: what is short enough is
// finished first. A library has no say in what signals do, only in when.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace inlay {

/// Holds those signals back from this thread during its life.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t held;
    sigemptyset(&held);
    for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, number);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_;
};

}  // namespace inlay
