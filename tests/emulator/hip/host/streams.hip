// Streams run beside the host and beside one another: what waits for what, and what does not.
#include <hip/hip_ext.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "check.h"

__global__ void wait_for(volatile int* flag, int* out, int value) {
  while (*flag == 0) __builtin_amdgcn_s_sleep(1);
  *out = value;
}
__global__ void raise(volatile int* flag) {
  *flag = 1;
}
__global__ void append(int* list, int* count, int value) {
  list[atomicAdd(count, 1)] = value;
}
__global__ void times_two(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] *= 2;
}
__global__ void spin(long clocks) {
  const long start = clock64();
  while (clock64() - start < clocks) {
  }
}

// Memory that host and device both see at once.
template <typename T>
struct Shared {
  T* data = nullptr;
  explicit Shared(size_t n = 1) {
    HIP(hipHostMalloc(reinterpret_cast<void**>(&data), n * sizeof(T), hipHostMallocCoherent));
    memset(data, 0, n * sizeof(T));
  }
  ~Shared() { (void)hipHostFree(data); }
};
void set(int* flag, int value) {
  __atomic_store_n(flag, value, __ATOMIC_RELEASE);
}
int look(const int* flag) {
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}
void nap() {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

// A kernel waits for what the host writes after the launch.
void host_goes_on() {
  Shared<int> flag, out;
  hipEvent_t event;
  HIP(hipEventCreate(&event));
  wait_for<<<1, 1>>>(flag.data, out.data, 7);
  HIP(hipEventRecord(event));
  EXPECT_EQ(hipStreamQuery(nullptr), hipErrorNotReady);
  EXPECT_EQ(hipEventQuery(event), hipErrorNotReady);
  nap();
  EXPECT_EQ(hipEventQuery(event), hipErrorNotReady);
  EXPECT_EQ(look(out.data), 0);
  set(flag.data, 1);
  HIP(hipDeviceSynchronize());
  EXPECT_EQ(look(out.data), 7);
  EXPECT_EQ(hipStreamQuery(nullptr), hipSuccess);
  EXPECT_EQ(hipEventQuery(event), hipSuccess);
  HIP(hipEventDestroy(event));
}

// Kernels of two streams that wait for each other, one asleep and one awake.
__global__ void play(volatile int* own, volatile int* other, int rounds, bool sleeps) {
  for (int round = 1; round <= rounds; round++) {
    *own = round;
    while (*other < round)
      if (sleeps) __builtin_amdgcn_s_sleep(1);
  }
}
void streams_that_wait_for_each_other() {
  hipStream_t a, b, c;
  for (hipStream_t* s : {&a, &b, &c}) HIP(hipStreamCreateWithFlags(s, hipStreamNonBlocking));
  Shared<int> flags(2);
  Shared<int> late, out;
  wait_for<<<1, 1, 0, c>>>(late.data, out.data, 9);
  play<<<1, 1, 0, a>>>(flags.data, flags.data + 1, 4, true);
  play<<<1, 1, 0, b>>>(flags.data + 1, flags.data, 4, false);
  HIP(hipStreamSynchronize(a));
  HIP(hipStreamSynchronize(b));
  EXPECT_EQ(look(flags.data), 4);
  EXPECT_EQ(look(flags.data + 1), 4);
  EXPECT_EQ(look(out.data), 0);
  raise<<<1, 1, 0, a>>>(late.data);
  HIP(hipDeviceSynchronize());
  EXPECT_EQ(look(out.data), 9);
  for (hipStream_t s : {a, b, c}) HIP(hipStreamDestroy(s));
}

// Two streams that opted out of the null stream's order run side by side, with it as well.
void streams_side_by_side() {
  hipStream_t a, b;
  HIP(hipStreamCreateWithFlags(&a, hipStreamNonBlocking));
  HIP(hipStreamCreateWithFlags(&b, hipStreamNonBlocking));
  Shared<int> flag, out;
  wait_for<<<1, 1, 0, a>>>(flag.data, out.data, 3);
  raise<<<1, 1, 0, b>>>(flag.data);
  HIP(hipStreamSynchronize(b));
  HIP(hipStreamSynchronize(a));
  EXPECT_EQ(look(out.data), 3);
  set(flag.data, 0);
  set(out.data, 0);
  wait_for<<<1, 1, 0, a>>>(flag.data, out.data, 4);
  raise<<<1, 1>>>(flag.data);
  HIP(hipStreamSynchronize(nullptr));
  HIP(hipStreamSynchronize(a));
  EXPECT_EQ(look(out.data), 4);
  HIP(hipStreamDestroy(a));
  HIP(hipStreamDestroy(b));
}

// The null stream waits for the others, and they for it.
void null_stream_order() {
  hipStream_t a, b;
  HIP(hipStreamCreate(&a));
  HIP(hipStreamCreate(&b));
  Shared<int> flag, out, list(4), count;
  wait_for<<<1, 1, 0, a>>>(flag.data, out.data, 1);
  append<<<1, 1, 0, a>>>(list.data, count.data, 10);
  append<<<1, 1>>>(list.data, count.data, 20);
  append<<<1, 1, 0, b>>>(list.data, count.data, 30);
  nap();
  EXPECT_EQ(look(count.data), 0);
  set(flag.data, 1);
  HIP(hipDeviceSynchronize());
  EXPECT_EQ(look(count.data), 3);
  for (int n = 0; n < 3; n++) EXPECT_EQ(list.data[n], 10 * (n + 1));
  HIP(hipStreamDestroy(a));
  HIP(hipStreamDestroy(b));
}

// One stream waits for an event of another; an event that was never recorded holds up nothing.
void events_order_streams() {
  hipStream_t a, b;
  HIP(hipStreamCreateWithFlags(&a, hipStreamNonBlocking));
  HIP(hipStreamCreateWithFlags(&b, hipStreamNonBlocking));
  hipEvent_t event, never;
  HIP(hipEventCreateWithFlags(&event, hipEventDisableTiming));
  HIP(hipEventCreate(&never));
  Shared<int> flag, out, list(4), count;
  HIP(hipStreamWaitEvent(a, never, 0));
  wait_for<<<1, 1, 0, a>>>(flag.data, out.data, 1);
  append<<<1, 1, 0, a>>>(list.data, count.data, 1);
  HIP(hipEventRecord(event, a));
  HIP(hipStreamWaitEvent(b, event, 0));
  append<<<1, 1, 0, b>>>(list.data, count.data, 2);
  nap();
  EXPECT_EQ(hipStreamQuery(b), hipErrorNotReady);
  EXPECT_EQ(look(count.data), 0);
  set(flag.data, 1);
  HIP(hipStreamSynchronize(b));
  EXPECT_EQ(list.data[0], 1);
  EXPECT_EQ(list.data[1], 2);
  float ms;
  EXPECT_EQ(hipEventElapsedTime(&ms, event, event), hipErrorInvalidHandle);
  EXPECT_EQ(hipEventElapsedTime(&ms, never, never), hipErrorInvalidHandle);
  (void)hipGetLastError();
  HIP(hipEventDestroy(event));
  HIP(hipEventDestroy(never));
  HIP(hipStreamDestroy(a));
  HIP(hipStreamDestroy(b));
}

struct Note {
  std::atomic<int>* turn;
  int at, seen = -1;
  hipStream_t stream;
};
void callback(hipStream_t stream, hipError_t status, void* data) {
  Note* note = static_cast<Note*>(data);
  note->seen = status == hipSuccess && stream == note->stream ? note->turn->fetch_add(1) : -2;
}
// Host functions stand in the stream's order, and hold it up.
void callbacks() {
  hipStream_t s;
  HIP(hipStreamCreate(&s));
  Shared<int> flag, out, data(64);
  for (int i = 0; i < 64; i++) data.data[i] = i;
  std::atomic<int> turn{0};
  Note notes[3] = {{&turn, 0, -1, s}, {&turn, 1, -1, s}, {&turn, 2, -1, s}};
  wait_for<<<1, 1, 0, s>>>(flag.data, out.data, 1);
  for (Note& n : notes) {
    HIP(hipStreamAddCallback(s, callback, &n, 0));
    times_two<<<1, 64, 0, s>>>(data.data, 64);
  }
  nap();
  EXPECT_EQ(turn.load(), 0);
  set(flag.data, 1);
  HIP(hipStreamSynchronize(s));
  for (const Note& n : notes) EXPECT_EQ(n.seen, n.at);
  for (int i = 0; i < 64; i++) EXPECT_EQ(data.data[i], 8 * i);
  HIP(hipStreamDestroy(s));
}

// The usual pipeline: pinned memory, copies and kernels in pieces over several streams, memory that
// is allocated and freed in the stream's order.
void pipeline() {
  constexpr int kStreams = 3, kPieces = 12, kPiece = 5000;
  Shared<int> in(kPieces * kPiece), out(kPieces * kPiece);
  for (int i = 0; i < kPieces * kPiece; i++) in.data[i] = i;
  hipStream_t streams[kStreams];
  for (hipStream_t& s : streams) HIP(hipStreamCreate(&s));
  for (int p = 0; p < kPieces; p++) {
    hipStream_t s = streams[p % kStreams];
    int* device = nullptr;
    HIP(hipMallocAsync(reinterpret_cast<void**>(&device), kPiece * sizeof(int), s));
    HIP(hipMemcpyAsync(device, in.data + p * kPiece, kPiece * sizeof(int), hipMemcpyHostToDevice,
                       s));
    times_two<<<(kPiece + 255) / 256, 256, 0, s>>>(device, kPiece);
    HIP(hipMemcpyAsync(out.data + p * kPiece, device, kPiece * sizeof(int), hipMemcpyDeviceToHost,
                       s));
    HIP(hipFreeAsync(device, s));
  }
  for (hipStream_t s : streams) HIP(hipStreamSynchronize(s));
  for (int i = 0; i < kPieces * kPiece; i++) EXPECT_EQ(out.data[i], 2 * i);
  for (hipStream_t s : streams) HIP(hipStreamDestroy(s));
}

void values_in_memory() {
  hipStream_t a, b;
  HIP(hipStreamCreateWithFlags(&a, hipStreamNonBlocking));
  HIP(hipStreamCreateWithFlags(&b, hipStreamNonBlocking));
  Shared<int> word, list(4), count;
  HIP(hipStreamWaitValue32(a, word.data, 5, hipStreamWaitValueGte));
  append<<<1, 1, 0, a>>>(list.data, count.data, 1);
  HIP(hipStreamWriteValue32(b, word.data, 4, 0));
  HIP(hipStreamSynchronize(b));
  nap();
  EXPECT_EQ(look(count.data), 0);
  HIP(hipStreamWriteValue32(b, word.data, 6, 0));
  HIP(hipStreamSynchronize(a));
  EXPECT_EQ(look(count.data), 1);
  HIP(hipStreamDestroy(a));
  HIP(hipStreamDestroy(b));
}

void times() {
  hipEvent_t start, stop, inner_start, inner_stop;
  for (hipEvent_t* e : {&start, &stop, &inner_start, &inner_stop}) HIP(hipEventCreate(e));
  HIP(hipEventRecord(start));
  hipExtLaunchKernelGGL(spin, dim3(1), dim3(64), 0, nullptr, inner_start, inner_stop, 0, 200000l);
  HIP(hipEventRecord(stop));
  HIP(hipEventSynchronize(stop));
  float whole = -1, inner = -1;
  HIP(hipEventElapsedTime(&whole, start, stop));
  HIP(hipEventElapsedTime(&inner, inner_start, inner_stop));
  EXPECT(inner > 0 && whole >= inner);
  EXPECT_EQ(hipEventElapsedTime(&whole, start, nullptr), hipErrorInvalidHandle);
  (void)hipGetLastError();
  for (hipEvent_t e : {start, stop, inner_start, inner_stop}) HIP(hipEventDestroy(e));
}

void bad_handles() {
  hipStream_t s;
  HIP(hipStreamCreateWithPriority(&s, hipStreamNonBlocking, -1));
  unsigned flags = 7;
  int priority = 7;
  HIP(hipStreamGetFlags(s, &flags));
  HIP(hipStreamGetPriority(s, &priority));
  EXPECT_EQ(flags, unsigned{hipStreamNonBlocking});
  EXPECT_EQ(priority, -1);
  HIP(hipStreamDestroy(s));
  EXPECT_EQ(hipStreamDestroy(s), hipErrorInvalidHandle);
  EXPECT_EQ(hipStreamQuery(s), hipErrorInvalidHandle);
  EXPECT_EQ(hipStreamSynchronize(s), hipErrorInvalidHandle);
  int* p = nullptr;
  EXPECT_EQ(hipMallocAsync(reinterpret_cast<void**>(&p), 64, s), hipErrorInvalidHandle);
  raise<<<1, 1, 0, s>>>(nullptr);
  EXPECT_EQ(hipGetLastError(), hipErrorInvalidHandle);
  int own = 0;
  EXPECT_EQ(hipFreeAsync(&own, nullptr), hipErrorInvalidDevicePointer);
  (void)hipGetLastError();
}

// Several threads, each with the stream that is its own.
void threads() {
  std::vector<std::thread> all;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; t++)
    all.emplace_back([&wrong, t] {
      int *device = nullptr, host[256];
      if (hipMalloc(&device, sizeof(host)) != hipSuccess) wrong++;
      for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 256; i++) host[i] = t * 1000 + i + round;
        (void)hipMemcpyAsync(device, host, sizeof(host), hipMemcpyHostToDevice, hipStreamPerThread);
        times_two<<<1, 256, 0, hipStreamPerThread>>>(device, 256);
        (void)hipMemcpyAsync(host, device, sizeof(host), hipMemcpyDeviceToHost, hipStreamPerThread);
        if (hipStreamSynchronize(hipStreamPerThread) != hipSuccess) wrong++;
        for (int i = 0; i < 256; i++) wrong += host[i] != 2 * (t * 1000 + i + round);
      }
      (void)hipFree(device);
    });
  for (std::thread& t : all) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

int main() {
  host_goes_on();
  streams_side_by_side();
  streams_that_wait_for_each_other();
  null_stream_order();
  events_order_streams();
  callbacks();
  pipeline();
  values_in_memory();
  times();
  bad_handles();
  threads();
  return result();
}
