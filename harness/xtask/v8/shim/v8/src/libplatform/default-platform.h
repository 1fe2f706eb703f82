// Stands in for V8's internal default platform: a platform that hands every call on to the one V8 itself makes.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "libplatform/libplatform.h"

namespace v8::platform {

// Its name must not be `DefaultPlatform`: libnode has a class of that name, and ours would take the place of its
// vtable and crash inside `InitializePlatform`.
class ForwardingPlatform : public v8::Platform {
 public:
  ForwardingPlatform(int thread_pool_size, IdleTaskSupport idle,
                     std::unique_ptr<TracingController> tracing,
                     PriorityMode priority)
      : inner_(NewDefaultPlatform(thread_pool_size, idle,
                                  InProcessStackDumping::kDisabled,
                                  std::move(tracing), priority)) {
    Registry& registry = Registry::Get();
    std::lock_guard<std::mutex> lock(registry.mutex);
    registry.platforms.insert(this);
  }
  ~ForwardingPlatform() override {
    Registry& registry = Registry::Get();
    std::lock_guard<std::mutex> lock(registry.mutex);
    registry.platforms.erase(this);
  }

  // The platform that V8 made, whether or not it is behind one of ours.
  static v8::Platform* Unwrap(v8::Platform* platform) {
    Registry& registry = Registry::Get();
    std::lock_guard<std::mutex> lock(registry.mutex);
    return registry.platforms.contains(platform)
               ? static_cast<ForwardingPlatform*>(platform)->inner_.get()
               : platform;
  }

  PageAllocator* GetPageAllocator() override {
    return inner_->GetPageAllocator();
  }
  ThreadIsolatedAllocator* GetThreadIsolatedAllocator() override {
    return inner_->GetThreadIsolatedAllocator();
  }
  void OnCriticalMemoryPressure() override {
    inner_->OnCriticalMemoryPressure();
  }
  void DumpWithoutCrashing() override { inner_->DumpWithoutCrashing(); }
  int NumberOfWorkerThreads() override {
    return inner_->NumberOfWorkerThreads();
  }
  std::shared_ptr<TaskRunner> GetForegroundTaskRunner(
      Isolate* isolate, TaskPriority priority) override {
    return inner_->GetForegroundTaskRunner(isolate, priority);
  }
  bool IdleTasksEnabled(Isolate* isolate) override {
    return inner_->IdleTasksEnabled(isolate);
  }
  std::unique_ptr<ScopedBlockingCall> CreateBlockingScope(
      BlockingType type) override {
    return inner_->CreateBlockingScope(type);
  }
  double MonotonicallyIncreasingTime() override {
    return inner_->MonotonicallyIncreasingTime();
  }
  int64_t CurrentClockTimeMilliseconds() override {
    return inner_->CurrentClockTimeMilliseconds();
  }
  double CurrentClockTimeMillis() override {
    return inner_->CurrentClockTimeMillis();
  }
  double CurrentClockTimeMillisecondsHighResolution() override {
    return inner_->CurrentClockTimeMillisecondsHighResolution();
  }
  StackTracePrinter GetStackTracePrinter() override {
    return inner_->GetStackTracePrinter();
  }
  TracingController* GetTracingController() override {
    return inner_->GetTracingController();
  }
  HighAllocationThroughputObserver* GetHighAllocationThroughputObserver()
      override {
    return inner_->GetHighAllocationThroughputObserver();
  }

 protected:
  std::unique_ptr<JobHandle> CreateJobImpl(
      TaskPriority priority, std::unique_ptr<JobTask> task,
      const SourceLocation& location) override {
    return inner_->CreateJob(priority, std::move(task), location);
  }
  // The inner platform's own methods of this name are protected: the public ones carry the priority in their names.
  void PostTaskOnWorkerThreadImpl(TaskPriority priority,
                                  std::unique_ptr<Task> task,
                                  const SourceLocation& location) override {
    switch (priority) {
      case TaskPriority::kUserBlocking:
        inner_->CallBlockingTaskOnWorkerThread(std::move(task), location);
        break;
      case TaskPriority::kBestEffort:
        inner_->CallLowPriorityTaskOnWorkerThread(std::move(task), location);
        break;
      default:
        inner_->CallOnWorkerThread(std::move(task), location);
    }
  }
  void PostDelayedTaskOnWorkerThreadImpl(
      TaskPriority, std::unique_ptr<Task> task, double delay_in_seconds,
      const SourceLocation& location) override {
    inner_->CallDelayedOnWorkerThread(std::move(task), delay_in_seconds,
                                      location);
  }

 private:
  // There is no RTTI to ask a platform whether it is one of ours.
  struct Registry {
    std::mutex mutex;
    std::set<v8::Platform*> platforms;
    // Never destroyed: a platform may outlive the static objects.
    static Registry& Get() {
      static Registry* registry = new Registry();
      return *registry;
    }
  };

  std::unique_ptr<v8::Platform> inner_;
};

using DefaultPlatform = ForwardingPlatform;

// V8's own free functions cast the platform they are given to V8's own class.
inline bool PumpForwarded(v8::Platform* platform, v8::Isolate* isolate,
                          MessageLoopBehavior behavior) {
  return PumpMessageLoop(ForwardingPlatform::Unwrap(platform), isolate,
                         behavior);
}
inline void RunForwardedIdleTasks(v8::Platform* platform, v8::Isolate* isolate,
                                  double idle_time_in_seconds) {
  RunIdleTasks(ForwardingPlatform::Unwrap(platform), isolate,
               idle_time_in_seconds);
}

}  // namespace v8::platform

// The binding includes this header last, so that only its own calls are renamed.
#define PumpMessageLoop PumpForwarded
#define RunIdleTasks RunForwardedIdleTasks
