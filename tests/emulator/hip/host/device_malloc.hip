// malloc and free in kernels: small blocks that the device's heap cuts from slabs, large ones that
// the host is asked for, memory that one kernel leaves to the next, and a list built by pointers.
#include "check.h"

struct Node {
  Node* next;
  int value;
};

__global__ void leave(int** slots, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int* p = static_cast<int*>(malloc(sizeof(int) * (1 + i % 50)));
  slots[i] = p;
  if (p == nullptr) return;
  for (int k = 0; k <= i % 50; k++) p[k] = i * 100 + k;
}
__global__ void collect(int** slots, int* sums, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int sum = 0;
  for (int k = 0; k <= i % 50; k++) sum += slots[i][k];
  free(slots[i]);
  sums[i] = sum;
}
__global__ void list(int* out, int length) {
  Node* head = nullptr;
  for (int k = 0; k < length; k++) {
    Node* n = static_cast<Node*>(malloc(sizeof(Node)));
    n->next = head;
    n->value = k * (threadIdx.x + 1);
    head = n;
  }
  int sum = 0;
  while (head != nullptr) {
    Node* next = head->next;
    sum += head->value;
    free(head);
    head = next;
  }
  out[threadIdx.x] = sum;
}
__global__ void large(int* out) {
  const size_t n = 100000 + threadIdx.x;
  int* p = static_cast<int*>(malloc(n * sizeof(int)));
  if (p == nullptr) return;
  p[0] = threadIdx.x;
  p[n - 1] = 1000;
  out[threadIdx.x] = p[0] + p[n - 1];
  free(p);
}

int main() {
  const int n = 3000;
  Buffer<int*> slots(n);
  Buffer<int> sums(n);
  for (int round = 0; round < 2; round++) {
    leave<<<(n + 127) / 128, 128>>>(slots, n);
    const std::vector<int*> p = slots.get();
    for (int i = 1; i < n; i++) EXPECT(p[i] != nullptr && p[i] != p[i - 1]);
    collect<<<(n + 63) / 64, 64>>>(slots, sums, n);
    const std::vector<int> s = sums.get();
    for (int i = 0; i < n; i++) {
      const int k = i % 50;
      EXPECT_EQ(s[i], i * 100 * (k + 1) + k * (k + 1) / 2);
    }
  }
  Buffer<int> out(64);
  list<<<1, 64>>>(out, 30);
  const std::vector<int> l = out.get();
  for (int i = 0; i < 64; i++) EXPECT_EQ(l[i], 435 * (i + 1));
  large<<<1, 64>>>(out);
  const std::vector<int> b = out.get();
  for (int i = 0; i < 64; i++) EXPECT_EQ(b[i], 1000 + i);
  return result();
}
